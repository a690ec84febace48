// R4, R5, R8, R10 and K6: one answer of one attempt, one end for each, no answer from a stream that was cut, or a frame of which was, or that only calls tools
// nobody offered, and no bill for what was never begun.

import type { StreamPart } from '../../src/providers/provider.ts'
import { brokenStreams, readBroken, wholeText } from './broken-streams.ts'
import { everyFate, play } from './job-fates.ts'
import { holds, type Property, property, room } from './kit.ts'
import { settled } from './routing-world.ts'

const readers = room<typeof import('../../src/routing/read-answer.ts')>('routing/read-answer.ts')

const estimates = room<typeof import('../../src/ledger/usage-estimate.ts')>('ledger/usage-estimate.ts')

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
    says: 'an answer cut at any place, or any frame of which is, is never a success',
    mutants: [
      {
        file: 'routing/read-answer.ts',
        find: 'if (finish !== null) return { text, sources, usage, finish }',
        replace:
          "if (finish !== null || usage !== null) return { text, sources, usage, finish: finish ?? 'stop' }",
      },
      {
        file: 'providers/dialect/chunk-reader.ts',
        find: 'this.#hasHole ||= this.#finishReason === null',
        replace: '',
      },
      {
        file: 'providers/dialect/chunk-reader.ts',
        find: 'if (!this.#isDone && this.#finishReason === null) return { parts, failure: this.truncated(undefined) }',
        replace: '',
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
      const meter = { began: () => {}, firstPart: () => 0, usage: () => {}, outputChars: () => {} }
      const ears = {
        provider: 'glm',
        attempt: 1,
        showsText: true,
        offersTools: false,
        meter,
        progress: () => {},
      }
      for (let cut = 0; cut <= whole.length; cut++) {
        async function* stream() {
          yield* whole.slice(0, cut)
        }
        const outcome = await settled(readAnswer(stream(), ears))
        const isWhole = cut === whole.length
        holds('value' in outcome === isWhole, `cut after ${cut} of ${whole.length} parts it was a success`)
        holds('error' in outcome || outcome.value.text === text, 'the whole answer is not whole')
      }
      for (const finish of ['stop', 'length']) {
        for (const { name, bytes, isWhole } of brokenStreams(finish)) {
          const outcome = await readBroken(rooms, bytes)
          holds((outcome !== null) === isWhole, `${name} was lost, and it was a success: ${outcome !== null}`)
          holds(
            outcome === null || (outcome.text === wholeText && outcome.finish === finish),
            `${name} was lost, and the answer is ${JSON.stringify(outcome)}`,
          )
        }
      }
    },
  }),
  property({
    id: 'R10',
    says: 'an answer of tool calls alone is never a success where no tool was offered',
    mutants: [
      {
        file: 'routing/read-answer.ts',
        find: "finish === 'tool-use' && !ears.offersTools",
        replace: "finish === 'tool-use' && ears.offersTools",
      },
      { file: 'routing/read-answer.ts', find: "text.trim() === ''", replace: "text === ''" },
    ],
    async check(rooms, seed) {
      const { readAnswer } = await rooms.load(readers)
      const meter = { began: () => {}, firstPart: () => 0, usage: () => {}, outputChars: () => {} }
      const said: StreamPart[] = [
        { type: 'reasoning-delta', text: 'hm' },
        { type: 'text-delta', text: '\n' },
        { type: 'tool-input-start', id: 'c', name: 'search' },
        { type: 'tool-input-delta', id: 'c', text: '{}' },
        { type: 'tool-input-end', id: 'c' },
        { type: 'text-delta', text: 'words' },
      ]
      for (let some = 0; some < 2 ** said.length; some++) {
        const parts = said.filter((_part, index) => ((some ^ seed) >> index) & 1)
        async function* stream() {
          yield* parts
          yield { type: 'finish', reason: 'tool-use' } as const
        }
        for (const offersTools of [true, false]) {
          const ears = {
            provider: 'glm',
            attempt: 1,
            showsText: true,
            offersTools,
            meter,
            progress: () => {},
          }
          const outcome = await settled(readAnswer(stream(), ears))
          const hasWords = parts.some((part) => part.type === 'text-delta' && part.text === 'words')
          holds('value' in outcome === (offersTools || hasWords), `${JSON.stringify(parts)}, ${offersTools}`)
        }
      }
    },
  }),
  property({
    id: 'K6',
    says: 'an attempt that its vendor never began is billed nothing; one cut after it began is estimated, and marked',
    mutants: [
      {
        file: 'ledger/usage-estimate.ts',
        find: 'inputTokens: hasBegun ? Math.ceil(inputTokens) : 0',
        replace: 'inputTokens: Math.ceil(inputTokens)',
      },
      {
        file: 'ledger/usage-estimate.ts',
        find: "hasBegun ? 'estimated' : 'none'",
        replace: "'none'",
      },
      { file: 'routing/attempt-run.ts', find: '        hasBegun = true\n', replace: '' },
    ],
    async check(rooms, seed) {
      const { ledgerUsage } = await rooms.load(estimates)
      let begun = 0
      await everyFate(seed, rooms, async (world, fate) => {
        const began = new Set<number>()
        await play(world, fate, {
          script: async (_at, input) => {
            const turn = fate.attempts[input.number % fate.attempts.length]
            await world.sleep(turn?.ms ?? 0, input.signal)
            if (turn?.speaks) {
              began.add(input.number)
              input.meter.began()
              await world.sleep(turn.ms, input.signal)
            }
            throw world.fail(turn?.code ?? 'provider-error')
          },
        })
        for (const end of world.watch.ends) {
          const used = ledgerUsage({ ...end, inputTokens: 7 })
          const hasBegun = began.has(end.number)
          begun += hasBegun ? 1 : 0
          holds(
            used.source === (hasBegun ? 'estimated' : 'none'),
            `${end.outcome}, begun ${hasBegun}: ${used.source}`,
          )
          holds(used.inputTokens === (hasBegun ? 7 : 0), `${used.inputTokens} tokens of input`)
        }
      })
      holds(begun > 0, 'no attempt ever began')
    },
  }),
]
