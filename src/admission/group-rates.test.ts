import { describe, expect, it } from 'vitest'
import { GroupRates } from './group-rates.ts'

const none = { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null, refundsTokens: true }
const day = 86_400_000

describe('rates of a group', () => {
  it('spread requests over their minute, a tenth of them at once', () => {
    const rates = new GroupRates({ ...none, requestsPerMinute: 60 })
    for (let i = 0; i < 6; i++) {
      expect(rates.waitMs(0, 0, 0)).toBe(0)
      rates.take(0, 0, 0)
    }
    expect(rates.waitMs(0, 0, 0)).toBe(1000)
    expect(rates.queueMs(4, 0, 0)).toBe(4000)
  })

  it('give back what was not used, where the vendor does', () => {
    const rates = new GroupRates({ ...none, tokensPerMinute: 100, tokensPerDay: 1000 })
    rates.settle(rates.take(80, 0, 0), 30, true)
    expect(rates.waitMs(70, 0, 0)).toBe(0)
    expect(rates.snapshot()).toEqual({ day: 0, tokens: 30 })
  })

  it('count the requested cap, used or not, where nothing is given back but what never began', () => {
    const rates = new GroupRates({ ...none, tokensPerMinute: 100, tokensPerDay: 1000, refundsTokens: false })
    rates.settle(rates.take(80, 0, 0), 30, true)
    expect(rates.waitMs(21, 0, 0)).toBe(61_000)
    rates.settle(rates.take(20, 0, 0), 0, false)
    expect(rates.waitMs(20, 0, 0)).toBe(0)
    expect(rates.snapshot()).toEqual({ day: 0, tokens: 80 })
  })

  it('begin a day anew at midnight in UTC, never because the clock jumped back, and tell each change', () => {
    let changes = 0
    const rates = new GroupRates({ ...none, tokensPerDay: 100 }, () => changes++)
    const draw = rates.take(100, 0, day + 1000)
    expect(rates.waitMs(1, 0, day + 1000)).toBe(day - 1000)
    expect(rates.waitMs(1, 0, 5)).toBe(2 * day - 5)
    expect(rates.waitMs(101, 0, day)).toBeNull()
    expect(rates.waitMs(1, 0, 2 * day)).toBe(0)
    rates.take(40, 0, 2 * day)
    // It was taken from a day that is over.
    rates.settle(draw, 0, true)
    expect(rates.snapshot()).toEqual({ day: 2, tokens: 40 })
    expect(changes).toBe(2)
  })

  it('show what is left of each, and who says so', () => {
    const rates = new GroupRates({ ...none, requestsPerMinute: 3, tokensPerMinute: 100, tokensPerDay: 1000 })
    const draw = rates.take(40, 0, 0)
    rates.hear(
      { requests: null, tokens: { limit: 90, remaining: 7, resetMs: 500 }, concurrency: null },
      draw,
      0,
    )
    expect(rates.facts(0, 0)).toEqual([
      { unit: 'requests a minute', limit: 3, remaining: 2, resetMs: null, source: 'configured' },
      { unit: 'tokens a minute', limit: 100, remaining: 60, resetMs: null, source: 'configured' },
      { unit: 'tokens a day', limit: 1000, remaining: 960, resetMs: day, source: 'configured' },
      { unit: 'tokens', limit: 90, remaining: 7, resetMs: 500, source: 'vendor' },
    ])
    expect(rates.waitMs(8, 0, 0)).toBe(20_000)
  })

  it('name the one that a job would wait for longest, with what is left of it', () => {
    const rates = new GroupRates({ ...none, requestsPerMinute: 60, tokensPerMinute: 100, tokensPerDay: 1000 })
    expect(rates.scarce(10, 0, 0)).toBeNull()
    rates.take(95, 0, 0)
    expect(rates.scarce(10, 0, 0)).toMatchObject({ unit: 'tokens a minute', limit: 100, remaining: 5 })
    rates.settle(rates.take(950, 0, 0), 900, true)
    expect(rates.scarce(5, 0, 0)).toMatchObject({ unit: 'tokens a minute', remaining: 0 })
    expect(rates.scarce(6, 0, 0)).toMatchObject({ unit: 'tokens a day', limit: 1000, remaining: 5 })
  })

  it('name the requests where it is their pace, or their minute', () => {
    const rates = new GroupRates({ ...none, requestsPerMinute: 60 })
    for (let i = 0; i < 6; i++) rates.take(0, 0, 0)
    expect(rates.scarce(0, 0, 0)).toMatchObject({ unit: 'requests a minute', limit: 60, remaining: 54 })
    const few = new GroupRates({ ...none, requestsPerMinute: 2 })
    few.take(0, 0, 0)
    few.take(0, 30_000, 30_000)
    // By their pace one more might go at 60 s; the minute has room a second later.
    expect(few.waitMs(0, 60_000, 60_000)).toBe(1000)
    expect(few.scarce(0, 60_000, 60_000)).toMatchObject({ unit: 'requests a minute', remaining: 0 })
  })

  it('name none where the vendor’s own word is what holds it back longer', () => {
    const rates = new GroupRates({ ...none, tokensPerMinute: 100 })
    const draw = rates.take(95, 0, 0)
    const word = (resetMs: number) => ({
      requests: null,
      tokens: { limit: 90, remaining: 0, resetMs },
      concurrency: null,
    })
    rates.hear(word(600_000), draw, 0)
    expect(rates.scarce(10, 0, 0)).toBeNull()
    rates.hear(word(61_000), draw, 0)
    expect(rates.scarce(10, 0, 0)).toMatchObject({ unit: 'tokens a minute' })
    rates.hear(word(1000), draw, 0)
    expect(rates.scarce(10, 0, 0)).toMatchObject({ unit: 'tokens a minute' })
  })

  it('show a new day as whole, let exactly the whole of it go, and tell no change where nothing is counted', () => {
    let changes = 0
    const rates = new GroupRates({ ...none, tokensPerDay: 100 }, () => changes++)
    rates.take(60, 0, 0)
    expect(rates.facts(0, day)).toMatchObject([{ remaining: 100, resetMs: day }])
    expect(rates.waitMs(100, 0, 2 * day)).toBe(0)
    rates.take(0, 0, 2 * day)
    expect(changes).toBe(1)
    const uncounted = new GroupRates(none, () => changes++)
    uncounted.take(60, 0, 0)
    expect([changes, uncounted.snapshot().tokens]).toEqual([1, 0])
    const next = new GroupRates({ ...none, tokensPerDay: 100 })
    next.take(60, 0, 0)
    // Asked first thing in the morning, before anybody has taken or seen anything.
    expect(next.waitMs(50, 0, day)).toBe(0)
  })
})
