// B1, B2, B3 and B7: what the breaker promises.

import fc from 'fast-check'

import type { BreakerChange, BreakerPermit } from '../../src/routing/breaker.ts'
import { holds, type Property, property, room } from './kit.ts'

const breakers = room<typeof import('../../src/routing/breaker.ts')>('routing/breaker.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const moves = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant({ kind: 'acquire' as const }) },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('settle' as const),
        which: fc.nat(),
        verdict: fc.constantFrom(
          'good' as const,
          'fault' as const,
          'transport-fault' as const,
          'ignored' as const,
        ),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 9_000 }) }),
    },
  ),
  { minLength: 1, maxLength: 300 },
)

// Opens it and waits until it is half-open, with two attempts of the closed time still on their way.
const sicken = [
  ...Array.from({ length: 7 }, () => ({ kind: 'acquire' as const })),
  ...Array.from({ length: 5 }, () => ({
    kind: 'settle' as const,
    which: 0,
    verdict: 'transport-fault' as const,
  })),
  { kind: 'pass' as const, ms: 6_001 },
]

const legal = new Set(['closed>open', 'open>half-open', 'half-open>open', 'half-open>closed'])
/** What the breaker promises. */
export const properties: readonly Property[] = [
  property({
    id: 'B1',
    says: 'a breaker makes legal transitions only, and each only for its reason',
    mutants: [
      { file: 'routing/breaker.ts', find: 'const probesToClose = 3', replace: 'const probesToClose = 1' },
      { file: 'routing/breaker.ts', find: '  calls: 20,', replace: '  calls: 2,' },
      { file: 'routing/breaker.ts', find: 'if (epoch !== this.#epoch) return', replace: '' },
    ],
    async check(rooms, seed) {
      const { Breaker } = await rooms.load(breakers)
      const { VirtualClock } = await rooms.load(clocks)
      const { createSeededRandom } = await rooms.load(dice)
      await fc.assert(
        fc.asyncProperty(fc.boolean(), moves, async (startsSick, moved) => {
          const sequence = startsSick ? [...sicken, ...moved] : moved
          const clock = new VirtualClock()
          const changes: BreakerChange[] = []
          const breaker = new Breaker({
            clock,
            random: createSeededRandom(seed),
            onChange: (change) => changes.push(change),
          })
          // An independent count of what happened since the last change, by permits of this phase only.
          let phase = 0
          let good = 0
          let row = 0
          let calls: { at: number; isBad: boolean }[] = []
          const permits: { permit: BreakerPermit; phase: number }[] = []
          for (const move of sequence) {
            const before = changes.length
            if (move.kind === 'pass') await clock.advance(move.ms)
            if (move.kind === 'acquire') {
              const permit = breaker.acquire()
              if (changes.length > before) phase++
              if (permit) permits.push({ permit, phase })
              if (changes.length > before) [good, row, calls] = [0, 0, []]
              continue
            }
            if (move.kind !== 'settle') continue
            const [entry] = permits.splice(move.which % Math.max(1, permits.length), 1)
            if (!entry) continue
            if (entry.phase === phase && move.verdict !== 'ignored') {
              if (move.verdict === 'good') good++
              row = move.verdict === 'transport-fault' ? row + 1 : 0
              calls.push({ at: clock.now(), isBad: move.verdict !== 'good' })
            }
            entry.permit.settle(move.verdict)
            const change = changes[before]
            if (!change) continue
            holds(entry.phase === phase, 'the end of an attempt of an earlier phase changed the state')
            const last = calls.filter(({ at }) => at > clock.now() - 30_000)
            const bad = last.filter(({ isBad }) => isBad).length
            if (change.from === 'closed') {
              holds(row >= 5 || (last.length >= 20 && bad * 2 >= last.length), 'it opened without a reason')
            } else if (change.to === 'closed') holds(good >= 3, `it closed after ${good} good probes`)
            phase++
            ;[good, row, calls] = [0, 0, []]
          }
          for (const { from, to } of changes) holds(legal.has(`${from}>${to}`), `${from} to ${to}`)
        }),
        { seed, numRuns: 150 },
      )
      const clock = new VirtualClock()
      const breaker = new Breaker({ clock, random: createSeededRandom(seed) })
      const late = Array.from({ length: 30 }, () => breaker.acquire())
      for (const permit of late.splice(0, 5)) permit?.settle('transport-fault')
      await clock.advance(6_001)
      holds(breaker.state === 'half-open', 'its time is over')
      for (const permit of late) permit?.settle('transport-fault')
      holds(breaker.state === 'half-open', 'attempts of the closed time opened it again')
    },
  }),
  property({
    id: 'B2',
    says: 'open means no attempt, half-open means at most one in flight',
    mutants: [
      { file: 'routing/breaker.ts', find: 'probed.isProbing = true', replace: 'probed.isProbing = false' },
      { file: 'routing/breaker.ts', find: 'if (this.waitMs !== 0) return null', replace: '' },
    ],
    async check(rooms, seed) {
      const { Breaker } = await rooms.load(breakers)
      const { VirtualClock } = await rooms.load(clocks)
      const { createSeededRandom } = await rooms.load(dice)
      await fc.assert(
        fc.asyncProperty(moves, async (sequence) => {
          const clock = new VirtualClock()
          const breaker = new Breaker({ clock, random: createSeededRandom(seed) })
          for (let i = 0; i < 5; i++) breaker.acquire()?.settle('transport-fault')
          const probes: BreakerPermit[] = []
          for (const move of sequence) {
            if (move.kind === 'pass') await clock.advance(move.ms)
            const state = breaker.state
            if (move.kind === 'acquire') {
              const permit = breaker.acquire()
              holds(state !== 'open' || permit === null, 'an attempt while open')
              if (permit && state === 'half-open') probes.push(permit)
            }
            holds(state !== 'half-open' || probes.length <= 1, `${probes.length} probes in flight`)
            if (move.kind === 'settle') probes.splice(0, 1)[0]?.settle(move.verdict)
            if (breaker.state !== 'half-open') probes.length = 0
          }
        }),
        { seed, numRuns: 150 },
      )
    },
  }),
  property({
    id: 'B3',
    says: 'after the vendor recovers the breaker closes within one open period',
    mutants: [
      { file: 'routing/breaker.ts', find: 'phase.goodProbes++', replace: '' },
      {
        file: 'routing/breaker.ts',
        find: "this.#enter({ kind: 'half-open', goodProbes: 0, isProbing: false }, null)",
        replace: 'return',
      },
    ],
    async check(rooms, seed) {
      const { Breaker } = await rooms.load(breakers)
      const { VirtualClock } = await rooms.load(clocks)
      const { createSeededRandom } = await rooms.load(dice)
      const outage = fc.integer({ min: 1_000, max: 900_000 })
      await fc.assert(
        fc.asyncProperty(outage, async (outageMs) => {
          const clock = new VirtualClock()
          let openMs = 0
          const breaker = new Breaker({
            clock,
            random: createSeededRandom(seed + outageMs),
            onChange: (change) => {
              if (change.openMs !== null) openMs = change.openMs
            },
          })
          const stepMs = 250
          let closedAt: number | null = null
          let openMsAtRecovery = 0
          while (closedAt === null) {
            const isDown = clock.now() < outageMs
            breaker.acquire()?.settle(isDown ? 'transport-fault' : 'good')
            if (isDown) openMsAtRecovery = openMs
            else if (breaker.state === 'closed') closedAt = clock.now()
            const limit = outageMs + openMsAtRecovery + 8 * stepMs
            holds(
              clock.now() <= limit,
              `still ${breaker.state} at ${clock.now()}, the vendor came back at ${outageMs}`,
            )
            await clock.advance(stepMs)
          }
        }),
        { seed, numRuns: 12 },
      )
    },
  }),
  property({
    id: 'B7',
    says: 'the probes of many instances do not come together',
    mutants: [{ file: 'routing/breaker.ts', find: '(0.8 + 0.4 * this.#options.random())', replace: '1' }],
    async check(rooms, seed) {
      const { Breaker } = await rooms.load(breakers)
      const { VirtualClock } = await rooms.load(clocks)
      const { createSeededRandom } = await rooms.load(dice)
      const waits = Array.from({ length: 60 }, (_, instance) => {
        const breaker = new Breaker({
          clock: new VirtualClock(),
          random: createSeededRandom(seed + instance),
        })
        for (let i = 0; i < 5; i++) breaker.acquire()?.settle('transport-fault')
        return breaker.waitMs ?? 0
      })
      holds(
        waits.every((ms) => ms >= 4_000 && ms <= 6_000),
        'five seconds, a fifth more or less',
      )
      holds(Math.max(...waits) - Math.min(...waits) > 1_000, 'they are spread')
      holds(new Set(waits.map((ms) => Math.floor(ms / 100))).size >= 10, 'over the whole range')
    },
  }),
]
