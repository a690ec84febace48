import { describe, expect, it } from 'vitest'
import { AccountRates } from './account-rates.ts'

const none = { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null, refundsTokens: true }
const day = 86_400_000

describe('rates of an account', () => {
  it('spread requests over their minute, a tenth of them at once', () => {
    const rates = new AccountRates({ ...none, requestsPerMinute: 60 })
    for (let i = 0; i < 6; i++) {
      expect(rates.waitMs(0, 0, 0)).toBe(0)
      rates.take(0, 0, 0)
    }
    expect(rates.waitMs(0, 0, 0)).toBe(1000)
    expect(rates.queueMs(4, 0, 0)).toBe(4000)
  })

  it('give back what was not used, where the vendor does', () => {
    const rates = new AccountRates({ ...none, tokensPerMinute: 100, tokensPerDay: 1000 })
    rates.settle(rates.take(80, 0, 0), 30, true)
    expect(rates.waitMs(70, 0, 0)).toBe(0)
    expect(rates.snapshot()).toEqual({ day: 0, tokens: 30 })
  })

  it('count the requested cap, used or not, where nothing is given back but what never began', () => {
    const rates = new AccountRates({
      ...none,
      tokensPerMinute: 100,
      tokensPerDay: 1000,
      refundsTokens: false,
    })
    rates.settle(rates.take(80, 0, 0), 30, true)
    expect(rates.waitMs(21, 0, 0)).toBe(61_000)
    rates.settle(rates.take(20, 0, 0), 0, false)
    expect(rates.waitMs(20, 0, 0)).toBe(0)
    expect(rates.snapshot()).toEqual({ day: 0, tokens: 80 })
  })

  it('begin a day anew at midnight in UTC, never because the clock jumped back, and tell each change', () => {
    let changes = 0
    const rates = new AccountRates({ ...none, tokensPerDay: 100 }, () => changes++)
    const draw = rates.take(100, 0, day + 1000)
    expect(rates.waitMs(1, 0, day + 1000)).toBe(day - 1000)
    // It is the day before again, and has counted that one already.
    expect(rates.waitMs(1, 0, 5)).toBe(day - 5)
    expect(rates.snapshot()).toEqual({ day: 0, tokens: 100, also: [1], left: [100] })
    expect(rates.waitMs(1, 0, day)).toBe(day)
    expect(rates.waitMs(101, 0, day)).toBeNull()
    expect(rates.waitMs(1, 0, 2 * day)).toBe(0)
    rates.take(40, 0, 2 * day)
    // It was taken from a day that is over.
    rates.settle(draw, 0, true)
    expect(rates.snapshot()).toEqual({ day: 2, tokens: 40 })
    expect(changes).toBe(2)
  })

  it('show a new day as whole, let exactly the whole of it go, and tell no change where nothing is counted', () => {
    let changes = 0
    const rates = new AccountRates({ ...none, tokensPerDay: 100 }, () => changes++)
    rates.take(60, 0, 0)
    expect(rates.facts(0, day)).toMatchObject([{ remaining: 100, resetMs: day }])
    expect(rates.waitMs(100, 0, 2 * day)).toBe(0)
    rates.take(0, 0, 2 * day)
    expect(changes).toBe(1)
    const uncounted = new AccountRates(none, () => changes++)
    uncounted.take(60, 0, 0)
    expect([changes, uncounted.snapshot().tokens]).toEqual([1, 0])
    const next = new AccountRates({ ...none, tokensPerDay: 100 })
    next.take(60, 0, 0)
    // Asked first thing in the morning, before anybody has taken or seen anything.
    expect(next.waitMs(50, 0, day + 5)).toBe(0)
  })

  it('say which part of the rate it takes most of a request takes, and none where nothing is counted', () => {
    const rates = new AccountRates({
      ...none,
      requestsPerMinute: 50,
      tokensPerMinute: 1000,
      tokensPerDay: 1500,
    })
    expect([rates.partOf(10), rates.partOf(100), rates.partOf(0)]).toEqual([0.02, 0.1, 0.02])
    expect(new AccountRates({ ...none, tokensPerDay: 1500 }).partOf(300)).toBe(0.2)
    expect(new AccountRates(none).partOf(300)).toBe(0)
    expect([rates.isCounted, new AccountRates(none).isCounted]).toEqual([true, false])
  })

  it('say how soon a job may start at the earliest: as if all that runs gave back what is open, where that comes back', () => {
    const limits = { ...none, tokensPerMinute: 100 }
    const rates = new AccountRates(limits)
    const draw = rates.take(80, 0, 0)
    expect([rates.soonestMs(50, 0, 0), rates.soonestMs(100, 0, 0), rates.waitMs(50, 0, 0)]).toEqual([
      0, 0, 61_000,
    ])
    expect(rates.soonestMs(101, 0, 0)).toBe(61_000)
    rates.settle(draw, 80, true)
    expect(rates.soonestMs(50, 0, 0)).toBe(61_000)
    const strict = new AccountRates({ ...limits, refundsTokens: false })
    strict.take(80, 0, 0)
    expect(strict.soonestMs(50, 0, 0)).toBe(61_000)
    // 150 count, of which 90 may come back.
    const over = new AccountRates({ ...limits, tokensPerDay: 100 })
    over.settle(over.take(10, 0, 0), 60, true)
    over.take(90, 0, 0)
    expect([over.soonestMs(40, 0, 0), over.soonestMs(41, 0, 0)]).toEqual([0, day])
  })

  it('say of each how long it would hold a job back, and nothing where it never fits or nobody counts', () => {
    const rates = new AccountRates({
      ...none,
      requestsPerMinute: 10,
      tokensPerMinute: 100,
      tokensPerDay: 1000,
    })
    rates.take(60, 0, 0)
    expect(rates.waits(50, 1000, 1000)).toEqual({
      'tokens a day': 0,
      'tokens a minute': 60_000,
      'requests a minute': 5000,
    })
    expect(rates.waits(1001, 1000, 1000)).toMatchObject({ 'tokens a day': 0, 'tokens a minute': 0 })
    rates.settle(rates.take(900, 1000, 1000), 900, true)
    expect(rates.waits(50, 1000, 1000)).toMatchObject({ 'tokens a day': day - 1000 })
    expect(new AccountRates(none).waits(50, 0, 0)).toEqual({
      'tokens a day': 0,
      'tokens a minute': 0,
      'requests a minute': 0,
    })
  })

  it('foretell by whichever takes longer, the pace of requests or that of tokens', () => {
    const rates = new AccountRates({ ...none, requestsPerMinute: 60, tokensPerMinute: 6000 })
    expect(rates.queueMs(1, 100, 0)).toBe(0)
    expect(rates.queueMs(10, 100, 0)).toBe(4000)
    expect(rates.queueMs(10, 7000, 0)).toBe(10_000)
    expect(new AccountRates(none).queueMs(10, 7000, 0)).toBe(0)
    expect(new AccountRates({ ...none, tokensPerMinute: 6000 }).queueMs(10, 7000, 0)).toBe(10_000)
  })

  it('foretell at the earliest by whichever takes longer, and by no tokens where those that are not used are given back', () => {
    const limits = { ...none, requestsPerMinute: 60, tokensPerMinute: 6000 }
    const strict = new AccountRates({ ...limits, refundsTokens: false })
    expect([strict.leastQueueMs(10, 6000, 0), strict.leastQueueMs(10, 6001, 0)]).toEqual([4000, 60_000])
    expect(new AccountRates(limits).leastQueueMs(10, 6001, 0)).toBe(4000)
    expect(new AccountRates({ ...none, refundsTokens: false }).leastQueueMs(10, 7000, 0)).toBe(0)
  })

  it('show nothing left, and no less, where more was begun than they allow', () => {
    const rates = new AccountRates({
      ...none,
      requestsPerMinute: 1,
      tokensPerMinute: 100,
      tokensPerDay: 150,
    })
    for (let n = 0; n < 2; n++) rates.take(90, 1000, 1000)
    expect(rates.facts(1000, 1000)).toMatchObject([
      { remaining: 0 },
      { remaining: 0 },
      { remaining: 0, resetMs: day - 1000 },
    ])
  })

  it('let requests save up no more than a tenth of a minute, however long nobody came, and always one', () => {
    const at = 3_600_000
    for (const [requestsPerMinute, together] of [
      [59, 5],
      [20, 2],
      [5, 1],
    ] as const) {
      const rates = new AccountRates({ ...none, requestsPerMinute })
      rates.take(0, 0, 0)
      let begun = 0
      for (; rates.waitMs(0, at, at) === 0; begun++) rates.take(0, at, at)
      expect(begun).toBe(together)
    }
  })

  it('go on with the day’s count of an earlier life', () => {
    const rates = new AccountRates({ ...none, tokensPerDay: 100 })
    rates.restore({ day: 3, tokens: 70 }, 0, 3 * day)
    expect([rates.waitMs(30, 0, 3 * day), rates.waitMs(31, 0, 3 * day)]).toEqual([0, day])
    expect(rates.waitMs(31, 0, 4 * day)).toBe(0)
  })

  it('take a day that a clock was ahead for the one it is, and no longer', () => {
    const rates = new AccountRates({ ...none, tokensPerDay: 100 })
    rates.restore({ day: 400, tokens: 70 }, 0, 3 * day)
    expect(rates.snapshot()).toEqual({ day: 3, tokens: 70, also: [400], left: [70] })
    expect(rates.waitMs(31, 0, 3 * day)).toBe(day)
    const draw = rates.take(20, 0, 3 * day)
    rates.take(5, 0, 400 * day)
    // It is the same count, wherever the clock has been meanwhile.
    rates.settle(draw, 10, true)
    expect(rates.snapshot()).toEqual({ day: 400, tokens: 85, also: [3], left: [90] })
    expect([rates.waitMs(31, 0, 3 * day), rates.waitMs(31, 0, 4 * day)]).toEqual([day, 0])
    const next = new AccountRates({ ...none, tokensPerDay: 100 })
    next.restore({ day: 3, tokens: 70, also: [5] }, 0, 3 * day)
    expect([next.waitMs(31, 0, 5 * day), next.waitMs(31, 0, 6 * day)]).toEqual([day, 0])
  })

  it('begin a day that a clock was ahead, once it comes, with what was spent then', () => {
    const rates = new AccountRates({ ...none, tokensPerDay: 100 })
    rates.take(10, 0, 4 * day)
    rates.take(80, 1000, 3 * day + 1000)
    const next = new AccountRates({ ...none, tokensPerDay: 100 })
    next.restore(rates.snapshot(), 1000, 3 * day + 1000)
    for (const each of [rates, next]) {
      expect(each.waitMs(11, 1000, 3 * day + 1000)).toBe(day - 1000)
      expect([each.waitMs(90, day, 4 * day), each.waitMs(91, day, 4 * day)]).toEqual([0, day])
    }
  })

  it('begin it so whoever looks first', () => {
    const looks = [
      (rates: AccountRates) =>
        rates.facts(day, 4 * day).find(({ unit }) => unit === 'tokens a day')?.remaining,
      (rates: AccountRates) => rates.waits(91, day, 4 * day)['tokens a day'],
      (rates: AccountRates) => rates.take(20, day, 4 * day).count,
    ]
    const seen = looks.map((look) => {
      const rates = new AccountRates({ ...none, tokensPerDay: 100 })
      rates.restore({ day: 3, tokens: 80, also: [4], left: [10] }, 0, 3 * day)
      return [look(rates), rates.snapshot().tokens]
    })
    expect(seen).toEqual([
      [90, 10],
      [day, 10],
      [1, 30],
    ])
  })
})
