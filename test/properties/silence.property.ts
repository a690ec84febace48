// B9: what our own limits cannot do to a vendor's health, and that a vendor which hangs is noticed.

import fc from 'fast-check'
import type { AttemptInput } from '../../src/routing/attempt-run.ts'
import { holds, type Property, property } from './kit.ts'
import { createWorld, settled, target } from './routing-world.ts'

/** The silence of vendors. */
export const properties: readonly Property[] = [
  property({
    id: 'B9',
    says: 'short calls open no breaker where anybody hears a part, and the ends of calls never; a vendor that was silent to everybody for its own limit, or most of the longest call, is noticed by calls of any length that go on to another, and idle time is no silence',
    mutants: [
      {
        file: 'routing/attempt-run.ts',
        find: 'failure === controller.signal.reason, failure)',
        replace: 'failure === controller.signal.reason && firstPartMs !== null, failure)',
      },
      { file: 'routing/attempt-starter.ts', find: '      onPart: () => permit.heard(),\n', replace: '' },
      {
        file: 'routing/target-health.ts',
        find: 'const saysNothing = isOurLimit && !isHanging',
        replace: 'const saysNothing = isOurLimit',
      },
      {
        file: 'routing/target-health.ts',
        find: 'breakerVerdict(end.outcome))',
        replace: "breakerVerdict(end.outcome === 'deadline' ? 'timeout' : end.outcome))",
      },
      {
        file: 'routing/target-health.ts',
        find: 'if (hasAnswered(end.outcome)) ear.heard()',
        replace: "if (end.outcome === 'done') ear.heard()",
      },
      { file: 'routing/silence-watch.ts', find: 'const hangShare = 0.6', replace: 'const hangShare = 0.3' },
      {
        file: 'routing/silence-watch.ts',
        find: 'this.#limits.firstTokenMs?.(provider) ?? longestCallMs',
        replace: 'longestCallMs',
      },
      { file: 'routing/silence-watch.ts', find: 'quiet.silentMs += now', replace: 'quiet.silentMs = now' },
      {
        file: 'routing/silence-watch.ts',
        find: '    if (quiet.out === 0) quiet.since = this.#clock.now()\n',
        replace: '',
      },
    ],
    async check(rooms, seed) {
      const chain = [[target('glm', 'glm-5.2', 'glm/main')], [target('kimi', 'kimi-k3', 'kimi/main')]]
      const [[glm]] = chain as [[ReturnType<typeof target>]]
      const ownLimitMs = 150_000
      const calls = fc.record({
        longestMs: fc.integer({ min: 1_000, max: 600_000 }),
        // Of the longest call, in per cent: what the queue and the tool's own limit have left of it.
        leftPercent: fc.oneof(fc.integer({ min: 5, max: 100 }), fc.integer({ min: 10, max: 30 })),
        // When it speaks; null: it hangs.
        firstPartMs: fc.option(fc.integer({ min: 100, max: 140_000 }), { freq: 3 }),
        // What somebody else hears from it all the time.
        beside: fc.constantFrom(null, null, 'parts', 'errors'),
        idleShare: fc.constantFrom(0, 3),
      })
      await fc.assert(
        fc.asyncProperty(calls, async ({ longestMs, leftPercent, firstPartMs, beside, idleShare }) => {
          const silence = { longestCallMs: longestMs, firstTokenMs: () => ownLimitMs }
          const world = await createWorld(rooms, seed, null, silence)
          const script = async (at: typeof glm, { signal, meter }: AttemptInput): Promise<string> => {
            if (at !== glm) return 'from kimi'
            await world.sleep(firstPartMs ?? ownLimitMs, signal)
            if (firstPartMs === null) throw world.fail('timeout')
            meter.firstPart()
            await world.sleep(600_000, signal)
            return 'at great length'
          }
          const timeoutMs = (longestMs * leftPercent) / 100
          const shareMs = (2 / 3) * timeoutMs
          const limitMs = Math.min(ownLimitMs, 0.6 * longestMs)
          const speaks = async (_at: typeof glm, { signal, meter }: AttemptInput): Promise<string> => {
            for (;;) {
              await world.sleep(0.9 * limitMs, signal)
              if (beside === 'errors') throw world.fail('content-filtered', false)
              meter.outputChars(1)
            }
          }
          const listen = (): unknown =>
            settled(world.run({ steps: [[glm]], timeoutMs: 1e9, script: speaks })).then(listen)
          if (beside !== null) void listen()
          for (let i = 0; i < 8; i++) {
            const job = settled(world.run({ steps: chain, timeoutMs, script }))
            await world.clock.advance(timeoutMs)
            holds('value' in (await job), 'the other one answers')
            await world.clock.advance(idleShare * longestMs)
          }
          const wasOpened = Object.keys(world.health.inspect().breakers).length > 0
          const isSilent = firstPartMs === null || firstPartMs > shareMs
          // Five faults in a row open it: the fourth attempt of eight must have been one.
          const silentMs = isSilent ? 4 * shareMs : shareMs - firstPartMs
          fc.pre(Math.abs(silentMs - limitMs) > 1)
          const isHanging = beside === null ? silentMs >= limitMs : isSilent && shareMs >= ownLimitMs
          const what = `calls of ${timeoutMs} ms beside ${longestMs} ms, first part after ${firstPartMs} ms, heard beside: ${beside}`
          holds(wasOpened === isHanging, `${what}: ${wasOpened ? 'opened' : 'not noticed'}`)
        }),
        { seed, numRuns: 150 },
      )
      // Nobody else can be asked: one client's questions are all too hard for a call, and another client chats there now and then.
      const callMs = 30_000
      const silence = { longestCallMs: callMs, firstTokenMs: () => ownLimitMs }
      const world = await createWorld(rooms, seed, null, silence)
      const ask = (wholeMs: number): ReturnType<typeof settled<string>> => {
        const script = async (_at: typeof glm, { signal }: AttemptInput): Promise<string> => {
          await world.sleep(wholeMs, signal)
          return 'an answer'
        }
        return settled(world.run({ steps: [[glm]], timeoutMs: callMs, script }))
      }
      const askOn = async (): Promise<void> => {
        await ask(3 * callMs)
        await world.sleep(1_000)
        return askOn()
      }
      for (let i = 0; i < 8; i++) void world.sleep(4_000 * i).then(askOn)
      for (let i = 0; i < 20; i++) {
        await world.clock.advance(2 * callMs)
        const chat = ask(3_000)
        await world.clock.advance(3_000)
        const { breakers, failing } = world.health.inspect()
        const isWell = Object.keys(breakers).length + failing.length === 0
        holds(isWell, `too hard questions closed a lone vendor to chat ${i}`)
        holds('value' in (await chat), `chat ${i} beside too hard questions is answered`)
      }
    },
  }),
]
