// P1, P2, P3, P7: what the rate limit promises.

import fc from 'fast-check'
import { holds, property, room } from './kit.ts'

const gcra = room<typeof import('../../src/admission/gcra.ts')>('admission/gcra.ts')

const rates = fc.record({
  perMinute: fc.integer({ min: 1, max: 6000 }),
  burst: fc.integer({ min: 1, max: 200 }),
})
const arrivals = fc.array(
  fc.record({ gapMs: fc.double({ min: 0, max: 5000, noNaN: true }), cost: fc.integer({ min: 1, max: 9 }) }),
  { minLength: 1, maxLength: 200 },
)

export const properties = [
  property({
    id: 'P1',
    says: 'in every window of length W at most burst + rate * W units are admitted',
    mutants: [
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
          const admitted: { at: number; sum: number }[] = []
          let state = fullBucket
          let now = 0
          let sum = 0
          for (const { gapMs, cost } of sequence) {
            now += gapMs
            const next = spend(rate, state, now, cost)
            if (next < 0) continue
            state = next
            admitted.push({ at: now, sum })
            sum += cost
          }
          admitted.push({ at: Number.POSITIVE_INFINITY, sum })
          for (let from = 0; from < admitted.length - 1; from++) {
            for (let to = from; to < admitted.length - 1; to++) {
              const units = (admitted[to + 1]?.sum ?? 0) - (admitted[from]?.sum ?? 0)
              const windowMs = (admitted[to]?.at ?? 0) - (admitted[from]?.at ?? 0)
              holds(units <= burst + windowMs / rate.intervalMs + 1e-6, `${units} units in ${windowMs} ms`)
            }
          }
        }),
        { seed, numRuns: 60 },
      )
    },
  }),
]
