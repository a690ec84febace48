// R4, R5 and R8: one answer of one attempt, one end for each, and no answer from a stream that was cut.

import type { StreamPart } from '../../src/providers/provider.ts'
import { everyFate, play } from './job-fates.ts'
import { holds, type Property, property, room } from './kit.ts'
import { settled } from './routing-world.ts'

const readers = room<typeof import('../../src/routing/read-answer.ts')>('routing/read-answer.ts')

/** The ends of attempts. */
export const properties: readonly Property[] = [
  property({
    id: 'R4',
    says: 'the answer is that of exactly one attempt that went well, and no two attempts have the same number',
    mutants: [
      { file: 'routing/attempt-starter.ts', find: '    this.#number++\n', replace: '' },
      {
        file: 'routing/attempt-run.ts',
        find: '      value = await start.run(input)\n',
        replace:
          '      value = await start.run(input)\n      value = await start.run({ ...input, number: input.number + 1 })\n',
      },
    ],
    async check(rooms, seed) {
      await everyFate(seed, rooms, async (world, fate) => {
        const outcome = await play(world, fate)
        const numbers = world.watch.started.map(({ number }) => number)
        holds(
          numbers.every((number, index) => number === index + 1),
          `attempts are numbered ${numbers.join(', ')}`,
        )
        const done = world.watch.ends.filter((end) => end.outcome === 'done')
        if ('value' in outcome) {
          const [only] = done
          holds(done.length === 1 && only !== undefined, `${done.length} attempts answered`)
          holds(
            outcome.value === `${only.number} ${only.target.group}`,
            'the answer is not that of its attempt',
          )
        } else holds(done.length === 0, 'an answer was thrown away')
      })
    },
  }),
  property({
    id: 'R5',
    says: 'every attempt has exactly one end, with an id of its own, also when the caller leaves at any moment',
    mutants: [
      {
        file: 'routing/attempt-run.ts',
        find: '      finish(failure)\n',
        replace: '      if (!start.signal.aborted) finish(failure)\n',
      },
      { file: 'routing/attempt-run.ts', find: 'id: randomUUID()', replace: 'id: String(start.number)' },
    ],
    async check(rooms, seed) {
      const ids = new Set<string>()
      let ends = 0
      await everyFate(seed, rooms, async (world, fate) => {
        await play(world, fate)
        const { started } = world.watch
        holds(
          started.length === world.watch.ends.length,
          `${started.length} began, ${world.watch.ends.length} ended`,
        )
        for (const end of world.watch.ends) ids.add(end.attemptId)
        ends += started.length
      })
      holds(ids.size === ends, `${ids.size} ids for ${ends} attempts`)
    },
  }),
  property({
    id: 'R8',
    says: 'an answer cut at any place is never a success',
    mutants: [
      {
        file: 'routing/read-answer.ts',
        find: 'if (finish !== null) return { text, sources, usage, finish }',
        replace:
          "if (finish !== null || usage !== null) return { text, sources, usage, finish: finish ?? 'stop' }",
      },
    ],
    async check(rooms, seed) {
      const { readAnswer } = await rooms.load(readers)
      const text = `An answer of ${seed} with ünïcödé and 中文 in it.`
      const usage = {
        inputTokens: 1,
        outputTokens: 1,
        cachedInputTokens: 0,
        reasoningTokens: 0,
        source: 'provider',
      } as const
      const whole: StreamPart[] = [
        { type: 'reasoning-delta', text: 'hm' },
        ...[...text].map((letter) => ({ type: 'text-delta' as const, text: letter })),
        { type: 'usage', usage },
        { type: 'finish', reason: 'stop' },
      ]
      const meter = { firstPart: () => 0, usage: () => {}, outputChars: () => {} }
      const ears = { provider: 'glm', attempt: 1, showsText: true, meter, progress: () => {} }
      for (let cut = 0; cut <= whole.length; cut++) {
        async function* stream() {
          yield* whole.slice(0, cut)
        }
        const outcome = await settled(readAnswer(stream(), ears))
        const isWhole = cut === whole.length
        holds('value' in outcome === isWhole, `cut after ${cut} of ${whole.length} parts it was a success`)
        holds('error' in outcome || outcome.value.text === text, 'the whole answer is not whole')
      }
    },
  }),
]
