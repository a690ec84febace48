// B4, B5, B6 and B8: what callers cannot do to a vendor's health, cooldowns, probes given back, and which news kills a key.

import fc from 'fast-check'
import type { FailureCode } from '../../src/domain/failure.ts'
import { holds, type Property, property, room } from './kit.ts'
import { createWorld, settled, target } from './routing-world.ts'

const cooldowns = room<typeof import('../../src/routing/cooldown.ts')>('routing/cooldown.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const callerFaults: readonly FailureCode[] = [
  'bad-request',
  'content-filtered',
  'context-too-long',
  'cancelled',
  'client-gone',
  'deadline',
  'refused',
  'document-unreadable',
  'path-not-allowed',
  'not-found',
]

/** Health of targets. */
export const properties: readonly Property[] = [
  property({
    id: 'B4',
    says: "a caller's faults never change a vendor's health",
    mutants: [
      {
        file: 'routing/breaker-verdict.ts',
        find: "'bad-request': 'answered'",
        replace: "'bad-request': 'fault'",
      },
      {
        file: 'routing/breaker-verdict.ts',
        find: "cancelled: 'ignored'",
        replace: "cancelled: 'transport-fault'",
      },
    ],
    async check(rooms, seed) {
      const world = await createWorld(rooms, seed)
      const glm = target('glm', 'glm-5.2', 'glm/main')
      for (let round = 0; round < 25; round++) {
        for (const code of callerFaults) {
          const job = settled(
            world.run({
              steps: [[glm]],
              timeoutMs: 5,
              script: async () => Promise.reject(world.fail(code, false)),
            }),
          )
          await world.clock.advance(10)
          await job
        }
      }
      holds(world.health.obstacle(glm) === null, `an obstacle: ${world.health.obstacle(glm)?.says}`)
      holds(world.watch.ends.length >= 25, 'the attempts were made')
    },
  }),
  property({
    id: 'B5',
    says: 'within an incident a cooldown only grows, and never past the time the vendor named',
    mutants: [
      {
        file: 'routing/cooldown.ts',
        find: 'cooling.until = Math.max(cooling.until, now + waitMs)',
        replace: 'cooling.until = now + waitMs',
      },
      {
        file: 'routing/cooldown.ts',
        find: '(hintMs ?? ladderMs)',
        replace: '((hintMs ?? ladderMs) + ladderMs)',
      },
    ],
    async check(rooms, seed) {
      const { Cooldowns } = await rooms.load(cooldowns)
      const { VirtualClock } = await rooms.load(clocks)
      const { createSeededRandom } = await rooms.load(dice)
      const refusals = fc.array(
        fc.record({
          gapMs: fc.integer({ min: 0, max: 3_000 }),
          hintMs: fc.option(fc.integer({ min: 0, max: 60_000 })),
        }),
        { minLength: 1, maxLength: 60 },
      )
      await fc.assert(
        fc.asyncProperty(refusals, async (sequence) => {
          const clock = new VirtualClock()
          const cooling = new Cooldowns({ clock, random: createSeededRandom(seed) })
          let until = 0
          for (const { gapMs, hintMs } of sequence) {
            await clock.advance(gapMs)
            const next = cooling.cool('glm', hintMs)
            holds(clock.now() >= until || next >= until, `${next} is earlier than ${until}`)
            const longest = clock.now() + 1.1 * (hintMs ?? 60_000)
            holds(next <= Math.max(until, longest) + 1e-6, `${next} is later than anybody asked for`)
            holds(next >= clock.now() + (hintMs ?? 0), 'it ends before the vendor wants us back')
            until = next
          }
        }),
        { seed, numRuns: 100 },
      )
    },
  }),
  property({
    id: 'B6',
    says: 'an aborted probe gives its permit back',
    mutants: [
      { file: 'routing/breaker.ts', find: '    phase.isProbing = false\n', replace: '' },
      {
        file: 'routing/attempt-run.ts',
        find: '      finish(failure)\n',
        replace: '      if (!start.signal.aborted) finish(failure)\n',
      },
    ],
    async check(rooms, seed) {
      const world = await createWorld(rooms, seed)
      const glm = target('glm', 'glm-5.2', 'glm/main')
      const steps = [[glm]]
      for (let i = 0; i < 5; i++) {
        const job = settled(
          world.run({ steps, script: async () => Promise.reject(world.fail('unreachable', false)) }),
        )
        await world.clock.advance(1)
        await job
      }
      holds(world.health.obstacle(glm) !== null, 'five dead connections open the breaker')
      await world.clock.advance(6_001)
      for (let i = 0; i < 3; i++) {
        const controller = new AbortController()
        const job = settled(
          world.run({
            steps,
            signal: controller.signal,
            script: async (_target, input) => {
              await world.sleep(60_000, input.signal)
              return ''
            },
          }),
        )
        await world.clock.advance(10)
        holds(world.watch.running === 1, 'the probe runs')
        controller.abort(world.fail('client-gone', false))
        await world.clock.advance(10)
        await job
        holds(world.health.obstacle(glm) === null, 'the next probe may go')
      }
      for (let i = 0; i < 3; i++) {
        const job = settled(world.run({ steps, script: async () => 'well' }))
        await world.clock.advance(10)
        holds('value' in (await job), 'a probe that is answered')
      }
      holds(Object.keys(world.health.inspect().breakers).length === 0, 'three good probes close it')
      holds(world.watch.held === 0, 'slots are back')
    },
  }),
  property({
    id: 'B8',
    says: 'a quota that comes back by itself cools its target and kills no key; gone money and locked accounts kill every key until a probe',
    mutants: [
      {
        file: 'routing/target-health.ts',
        find: "end.outcome === 'quota-exhausted' && (failure?.retryAfterMs ?? null) === null",
        replace: "end.outcome === 'quota-exhausted'",
      },
      {
        file: 'routing/target-health.ts',
        find: "if (end.outcome === 'account-blocked') return 'account-dead'",
        replace: '',
      },
      { file: 'routing/target-health.ts', find: "  'quota-exhausted',\n", replace: '' },
      {
        file: 'routing/failure-class.ts',
        find: "'quota-exhausted': 'other-account'",
        replace: "'quota-exhausted': 'stop'",
      },
    ],
    async check(rooms, seed) {
      const rich = target('glm', 'glm-5.2', 'glm/main', { keyCount: 3 })
      const kimi = target('kimi', 'kimi-k3', 'kimi/main')
      const words = fc.record({
        code: fc.constantFrom<FailureCode>('quota-exhausted', 'account-blocked'),
        resetMs: fc.option(fc.integer({ min: 300_000, max: 8 * 24 * 3_600_000 })),
      })
      await fc.assert(
        fc.asyncProperty(words, async ({ code, resetMs }) => {
          const comesBack = code === 'quota-exhausted' && resetMs !== null
          const world = await createWorld(rooms, seed)
          const script = async (at: typeof rich) => {
            if (at === rich) throw world.fail(code, false, resetMs ?? undefined)
            return 'from kimi'
          }
          const job = settled(world.run({ steps: [[rich], [kimi]], script }))
          await world.clock.advance(1_000)
          const outcome = await job
          holds('value' in outcome && outcome.value === 'from kimi', 'another account answers')
          const { deadKeys, cooldowns } = world.health.inspect()
          holds(
            deadKeys.length === (comesBack ? 0 : 3),
            `${code}, ${resetMs}: dead are ${deadKeys.join(', ')}`,
          )
          holds(!comesBack || Object.keys(cooldowns).length === 1, 'the target cools')
          holds(world.health.obstacle(rich) !== null, 'it is left alone')
          holds(world.health.obstacle(kimi) === null, 'the other account is not')
          await world.clock.advance(1.1 * Math.max(comesBack ? resetMs : 0, 3_600_000))
          holds(world.health.obstacle(rich) === null, 'it is asked again in time')
        }),
        { seed, numRuns: 60 },
      )
    },
  }),
]
