// Fates for jobs of the retry loop: what each attempt comes to, how long it takes, whether and when the caller leaves.

import fc from 'fast-check'
import type { FailureCode } from '../../src/domain/failure.ts'
import { holds } from './kit.ts'
import { createWorld, type JobWish, settled, target } from './routing-world.ts'

const codes: readonly FailureCode[] = [
  'concurrency-limited',
  'rate-limited',
  'overloaded',
  'quota-exhausted',
  'account-blocked',
  'credential-rejected',
  'permission-denied',
  'model-unknown',
  'context-too-long',
  'unreachable',
  'timeout',
  'provider-error',
  'truncated',
  'empty-output',
  'malformed-output',
]

/** The first choice of `chain`. */
export const glm = target('glm', 'glm-5.2', 'glm/main')
const second = target('glm', 'glm-5.2', 'glm/second')
/** The second. */
export const kimi = target('kimi', 'kimi-k3', 'kimi/main', { contextTokens: 4000 })
const local = target('ollama', 'qwen3', 'ollama/main', { keyCount: 0 })
/** Three models, one of them through two groups. */
export const chain = [[glm, second], [kimi], [local]]

// One job's fate: how each of its attempts goes, how long each takes, and when the caller leaves, if it does.
const fates = fc.record({
  attempts: fc.array(
    fc.record({
      code: fc.option(fc.constantFrom(...codes), { freq: 6 }),
      ms: fc.integer({ min: 0, max: 20_000 }),
      speaks: fc.boolean(),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 50_000 })),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  leavesAtMs: fc.option(fc.integer({ min: 0, max: 60_000 })),
  waitForSlotMs: fc.option(fc.integer({ min: 0, max: 40_000 })),
})
/** How one job goes. */
export type Fate = typeof fates extends fc.Arbitrary<infer Value> ? Value : never
/** The world it goes in. */
export type World = Awaited<ReturnType<typeof createWorld>>

/** Plays a fate and answers how the job came out. */
export async function play(world: World, fate: Fate, over: Partial<JobWish> = {}) {
  const controller = new AbortController()
  let turn = 0
  const job = settled(
    world.run({
      steps: chain,
      timeoutMs: 60_000,
      signal: controller.signal,
      ...(fate.waitForSlotMs === null ? {} : { waitForSlotMs: fate.waitForSlotMs }),
      script: async (at, input) => {
        const play = fate.attempts[turn++ % fate.attempts.length]
        if (play?.speaks) input.meter.firstPart()
        await world.sleep(play?.ms ?? 0, input.signal)
        if (play?.code) throw world.fail(play.code, true, play.retryAfterMs ?? undefined)
        return `${input.number} ${at.group}`
      },
      ...over,
    }),
  )
  if (fate.leavesAtMs !== null) {
    world.clock.after(fate.leavesAtMs, () => controller.abort(world.fail('client-gone', false)))
  }
  let runningAtEnd = 0
  void job.then(() => {
    runningAtEnd = world.watch.running
  })
  await world.clock.advance(150_000)
  const outcome = await job
  holds(runningAtEnd === 0, 'the job was over before its attempts were')
  return outcome
}

/** Checks every fate of a few, each in a world of its own; nothing may be left in it. */
export async function everyFate(
  seed: number,
  rooms: Parameters<typeof createWorld>[0],
  check: (world: World, fate: Fate) => Promise<void>,
  hedge: Parameters<typeof createWorld>[2] = null,
) {
  await fc.assert(
    fc.asyncProperty(fates, async (fate) => {
      const world = await createWorld(rooms, seed, hedge)
      await check(world, fate)
      holds(world.watch.held === 0, `${world.watch.held} slots are still held`)
      holds(world.watch.running === 0, 'an attempt still runs')
      holds(world.clock.pendingTimers <= 1, `${world.clock.pendingTimers} timers are left`)
    }),
    { seed, numRuns: 150 },
  )
}
