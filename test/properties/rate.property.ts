// P1, P2, P3, P7, P8: what the rate limits promise.

import fc from 'fast-check'
import type { Identity } from '../../src/domain/identity.ts'
import { identityOf } from '../../src/domain/identity-of.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { holds, property, room } from './kit.ts'

const gcra = room<typeof import('../../src/admission/gcra.ts')>('admission/gcra.ts')
const doorRoom = room<typeof import('../../src/admission/front-door.ts')>('admission/front-door.ts')

const rates = fc.record({
  perMinute: fc.integer({ min: 1, max: 6000 }),
  burst: fc.integer({ min: 1, max: 200 }),
})
const slowRates = fc.record({
  perMinute: fc.integer({ min: 1, max: 60 }),
  burst: fc.integer({ min: 1, max: 10 }),
})
const arrivals = fc.array(
  fc.record({ gapMs: fc.double({ min: 0, max: 5000, noNaN: true }), cost: fc.integer({ min: 1, max: 9 }) }),
  { minLength: 1, maxLength: 200 },
)

/** Throws when some window holds more than the burst and what the rate gives in its time. */
function assertWindows(
  admitted: readonly { readonly at: number; readonly cost: number }[],
  rate: { readonly burst: number; readonly intervalMs: number },
): void {
  for (let from = 0; from < admitted.length; from++) {
    let units = 0
    for (let to = from; to < admitted.length; to++) {
      units += admitted[to]?.cost ?? 0
      const windowMs = (admitted[to]?.at ?? 0) - (admitted[from]?.at ?? 0)
      holds(units <= rate.burst + windowMs / rate.intervalMs + 1e-6, `${units} units in ${windowMs} ms`)
    }
  }
}

const identity = (client: string): Identity => identityOf('anna', client)

/** Properties of rates. */
export const properties = [
  property({
    id: 'P1',
    says: 'in every window of length W at most burst + rate * W units are admitted',
    mutants: [
      {
        file: 'admission/gcra.ts',
        find: '(arrival > now ? arrival : now) + cost * rate.intervalMs',
        replace: '(arrival > now ? arrival : now) + 0.9 * cost * rate.intervalMs',
      },
      {
        file: 'admission/gcra.ts',
        find: '(arrival > now ? arrival : now) + cost',
        replace: 'arrival + cost',
      },
    ],
    async check(rooms, seed) {
      const { fullBucket, spend, toRate } = await rooms.load(gcra)
      fc.assert(
        fc.property(rates, arrivals, ({ perMinute, burst }, sequence) => {
          const rate = toRate(perMinute, burst)
          const admitted: { at: number; cost: number }[] = []
          let state = fullBucket
          let now = 0
          for (const { gapMs, cost } of sequence) {
            now += gapMs
            const next = spend(rate, state, now, cost)
            if (next < 0) continue
            state = next
            admitted.push({ at: now, cost })
          }
          assertWindows(admitted, rate)
        }),
        { seed, numRuns: 100, endOnFailure: true },
      )
      // Who was away for an hour has its burst, and no more.
      for (const burst of [1, 5, 50]) {
        const rate = toRate(60, burst)
        const now = 3_600_000
        let state = spend(rate, fullBucket, 0)
        let admitted = 0
        for (let i = 0; i < 3 * burst; i++) {
          const next = spend(rate, state, now)
          if (next < 0) continue
          state = next
          admitted++
        }
        holds(admitted === burst, `${admitted} at once of a burst of ${burst}`)
      }
    },
  }),
  property({
    id: 'P2',
    says: 'who stays below the rate is never refused',
    mutants: [
      {
        file: 'admission/gcra.ts',
        find: '(arrival > now ? arrival : now) + cost * rate.intervalMs',
        replace: '(arrival > now ? arrival : now) + 1.1 * cost * rate.intervalMs',
      },
      { file: 'admission/gcra.ts', find: 'over > timeGrainMs', replace: 'over >= 0' },
    ],
    async check(rooms, seed) {
      const { fullBucket, spend, toRate } = await rooms.load(gcra)
      const jitters = fc.array(fc.double({ min: 0, max: 0.5, noNaN: true }), { minLength: 50, maxLength: 50 })
      fc.assert(
        fc.property(rates, jitters, ({ perMinute, burst }, jitter) => {
          const rate = toRate(perMinute, burst)
          let state = fullBucket
          let now = 0
          for (const extra of [...Array.from({ length: 50 }, () => 0), ...jitter]) {
            now += rate.intervalMs * (1 + extra)
            state = spend(rate, state, now)
            holds(state >= 0, `refused at ${now} ms below ${perMinute} a minute`)
          }
        }),
        { seed, numRuns: 100, endOnFailure: true },
      )
      // On the very boundary: the whole burst at once, and from then on each unit at the first moment it fits. What is admitted is counted.
      fc.assert(
        fc.property(rates, fc.integer({ min: 0, max: 1_000_000 }), ({ perMinute, burst }, startMs) => {
          const rate = toRate(perMinute, burst)
          let state = fullBucket
          for (let unit = 0; unit <= 50; unit++) {
            const now = startMs + unit * rate.intervalMs
            state = spend(rate, state, now, unit === 0 ? burst : 1)
            holds(state > now, `unit ${unit} at ${now} ms is refused or not counted`)
          }
        }),
        { seed, numRuns: 100, endOnFailure: true },
      )
    },
  }),
  property({
    id: 'P3',
    says: 'the same request fits at exactly the time named, and half a millisecond earlier it does not',
    mutants: [
      { file: 'admission/gcra.ts', find: '? -over : next', replace: '? -over - 1 : next' },
      { file: 'admission/gcra.ts', find: 'over > timeGrainMs', replace: 'over > 1' },
    ],
    async check(rooms, seed) {
      const { fullBucket, spend, toRate } = await rooms.load(gcra)
      fc.assert(
        fc.property(rates, arrivals, ({ perMinute, burst }, sequence) => {
          const rate = toRate(perMinute, burst)
          let state = fullBucket
          let now = 0
          for (const { gapMs, cost } of sequence) {
            now += gapMs
            const next = spend(rate, state, now, Math.min(cost, burst))
            if (next >= 0) {
              state = next
              continue
            }
            const at = now - next
            holds(spend(rate, state, at, Math.min(cost, burst)) >= 0, `refused at the time named, ${at} ms`)
            if (-next < 0.5) continue
            holds(spend(rate, state, at - 0.5, Math.min(cost, burst)) < 0, `admitted before the time named`)
          }
        }),
        { seed, numRuns: 100, endOnFailure: true },
      )
    },
  }),
  property({
    id: 'P7',
    says: 'a clock that jumps back never makes a rate admit more',
    mutants: [
      {
        file: 'admission/gcra.ts',
        find: '(arrival > now ? arrival : now) + cost',
        replace: 'now + cost',
      },
    ],
    async check(rooms, seed) {
      const { fullBucket, spend, toRate } = await rooms.load(gcra)
      const jumps = fc.array(fc.double({ min: -10_000, max: 5000, noNaN: true }), {
        minLength: 50,
        maxLength: 300,
      })
      fc.assert(
        fc.property(rates, jumps, ({ perMinute, burst }, moves) => {
          const rate = toRate(perMinute, burst)
          let state = fullBucket
          let now = 100_000
          // Time that truly passes while the clock jumps back again and again.
          let elapsedMs = 0
          const admitted: { at: number; cost: number }[] = []
          for (const move of moves) {
            now = Math.max(0, now + move)
            elapsedMs += Math.max(0, move)
            const next = spend(rate, state, now)
            if (next < 0) continue
            state = next
            admitted.push({ at: elapsedMs, cost: 1 })
          }
          assertWindows(admitted, rate)
        }),
        { seed, numRuns: 60, endOnFailure: true },
      )
    },
  }),
  property({
    id: 'P8',
    says: 'many clients of one principal in one server share its rate (one server is one door: two are two)',
    mutants: [
      {
        file: 'admission/front-door.ts',
        find: 'enter(principal, principalNext)',
        replace: 'enter(principal, principal.arrival)',
      },
      {
        file: 'admission/front-door.ts',
        find: 'if (principal.clients.size === 0 && isIdle(principal, now))',
        replace: 'if (principal.inFlight === 0)',
      },
    ],
    async check(rooms, seed) {
      const { FrontDoor } = await rooms.load(doorRoom)
      const { toRate } = await rooms.load(gcra)
      fc.assert(
        fc.property(
          slowRates,
          arrivals,
          fc.integer({ min: 1, max: 40 }),
          ({ perMinute, burst }, sequence, windows) => {
            let now = 0
            const clock: Clock = {
              now: () => now,
              wallMs: () => now,
              after: () => ({ cancel() {}, [Symbol.dispose]() {} }),
            }
            const door = new FrontDoor({
              clock,
              client: { requestsPerMinute: 6000, burst: 200, concurrency: 1000 },
              principal: { requestsPerMinute: perMinute, burst, concurrency: 1000 },
              clientsMax: 100,
              clientIdleMs: 100,
            })
            const admitted: { at: number; cost: number }[] = []
            for (const [i, { gapMs, cost }] of sequence.entries()) {
              now += gapMs / cost
              const permit = door.admit(identity(`window-${i % windows}`))
              if ('kind' in permit) continue
              admitted.push({ at: now, cost: 1 })
              permit.release()
            }
            assertWindows(admitted, toRate(perMinute, burst))
          },
        ),
        { seed, numRuns: 100, endOnFailure: true },
      )
    },
  }),
]
