import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fullBucket, isFull, neverFits, rerated, spend, toRate, used } from './gcra.ts'

const rates = fc.record({
  perMinute: fc.integer({ min: 1, max: 6000 }),
  burst: fc.integer({ min: 1, max: 200 }),
})
const gaps = fc.array(fc.double({ min: 0, max: 5000, noNaN: true }), { minLength: 1, maxLength: 200 })

describe('gcra', () => {
  it('admits at most the burst plus the rate in every window', () => {
    fc.assert(
      fc.property(rates, gaps, ({ perMinute, burst }, waits) => {
        const rate = toRate(perMinute, burst)
        const admitted: number[] = []
        let state = fullBucket
        let now = 0
        for (const wait of waits) {
          now += wait
          const next = spend(rate, state, now)
          if (next < 0) continue
          state = next
          admitted.push(now)
        }
        for (let from = 0; from < admitted.length; from++) {
          for (let to = from; to < admitted.length; to++) {
            const windowMs = (admitted[to] ?? 0) - (admitted[from] ?? 0)
            expect(to - from + 1).toBeLessThanOrEqual(burst + windowMs / rate.intervalMs + 1e-6)
          }
        }
      }),
    )
  })

  it('admits at exactly the time it named, and not half a millisecond earlier', () => {
    fc.assert(
      fc.property(rates, fc.double({ min: 0, max: 1e6, noNaN: true }), ({ perMinute, burst }, now) => {
        const rate = toRate(perMinute, burst)
        let state = fullBucket
        let next = spend(rate, state, now)
        while (next >= 0) {
          state = next
          next = spend(rate, state, now)
        }
        const retryAfterMs = -next
        expect(spend(rate, state, now + retryAfterMs)).toBeGreaterThan(0)
        if (retryAfterMs > 0.5) expect(spend(rate, state, now + retryAfterMs - 0.5)).toBeLessThan(0)
      }),
    )
  })

  it('never refuses a caller below its rate', () => {
    const rate = toRate(60, 1)
    let state = fullBucket
    for (let now = 0; now < 100_000; now += 1000) {
      state = spend(rate, state, now)
      expect(state).toBeGreaterThan(0)
    }
  })

  it('is full again only when the whole burst is back', () => {
    const rate = toRate(60, 5)
    let state = fullBucket
    for (let i = 0; i < 5; i++) state = spend(rate, state, 0)
    expect(isFull(state, 4999)).toBe(false)
    expect(isFull(state, 5000)).toBe(true)
    // What a sum of fractions may lack at the very moment that was named.
    expect(isFull(5000.000_000_1, 5000)).toBe(true)
    expect(isFull(5000.001, 5000)).toBe(false)
  })
  it('says what never fits: more than the burst, and not the burst itself', () => {
    const rate = toRate(60, 5)
    expect(neverFits(rate, 5)).toBe(false)
    expect(neverFits(rate, 6)).toBe(true)
    expect(spend(rate, fullBucket, 0, 5)).toBe(5000)
  })

  it('counts what is used as people do: what is not yet back, between nothing and the whole burst', () => {
    const rate = toRate(60, 5)
    let state = fullBucket
    expect(used(rate, state, 10_000)).toBe(0)
    for (let i = 0; i < 3; i++) state = spend(rate, state, 10_000)
    expect(used(rate, state, 10_000)).toBe(3)
    expect(used(rate, state, 10_001)).toBe(3)
    expect(used(rate, state, 11_000)).toBe(2)
    expect(used(rate, state, 60_000)).toBe(0)
    expect(used(rate, 100_000, 10_000)).toBe(5)
  })

  it('counts whole units where an interval is no whole number of milliseconds', () => {
    const rate = toRate(70, 70)
    let state = fullBucket
    for (let i = 1; i <= 70; i++) {
      state = spend(rate, state, 12_345.678)
      expect(used(rate, state, 12_345.678)).toBe(i)
    }
  })

  it('keeps under another rate how many units were used, and no more than its burst', () => {
    const [slow, fast] = [toRate(1, 1), toRate(600, 120)]
    const spent = spend(slow, fullBucket, 1000)
    expect(used(fast, rerated(slow, fast, spent, 1000), 1000)).toBe(1)
    expect(spend(fast, rerated(slow, fast, spent, 1000), 1000)).toBeGreaterThan(0)
    const half = spend(fast, fullBucket, 1000, 60)
    expect(rerated(fast, slow, half, 1000)).toBe(61_000)
    expect(rerated(slow, fast, 900, 1000)).toBe(900)
  })
})
