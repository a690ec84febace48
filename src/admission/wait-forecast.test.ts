import { describe, expect, it } from 'vitest'
import { type AccountRateLimits, AccountRates } from './account-rates.ts'
import { GroupRates } from './group-rates.ts'
import { HoldTimes } from './hold-times.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import { type ForecastFacts, forecast } from './wait-forecast.ts'
import { newWaiter, type Waiter } from './waiter.ts'

const none = { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null, refundsTokens: false }
const ratesOf = (limits: Partial<AccountRateLimits> = {}) =>
  new GroupRates(new AccountRates({ ...none, ...limits }))

const nobody = { jobs: 0, work: 0, holdMs: 0, knownMs: 0 }
const nothing = (): void => undefined

function job(): Waiter {
  return newWaiter(leaseRequestOf(), 1, 0, nothing, nothing)
}

/** Times of a group in which one job has held its slot for two seconds. */
function seen(): HoldTimes {
  const times = new HoldTimes(8000)
  const one = job()
  times.started(one, 0)
  times.stopped(one, 2000, true)
  return times
}

const facts = (more: Partial<ForecastFacts> = {}): ForecastFacts => ({
  ahead: { jobs: 3, work: 5000, holdMs: 5000, knownMs: 0 },
  inLine: null,
  tokens: 600,
  leastTokensAhead: 0,
  costs: 'slot-time',
  slots: 2,
  raisesMs: [],
  inFlight: 0,
  now: 0,
  wallMs: 0,
  ...more,
})

const expectedMs = (times: HoldTimes, rates: GroupRates, more: Partial<ForecastFacts> = {}) =>
  forecast(times, rates, facts(more)).expectedMs
const leastMs = (times: HoldTimes, rates: GroupRates, more: Partial<ForecastFacts> = {}) =>
  forecast(times, rates, facts(more)).leastMs

describe('a forecast', () => {
  it('knows nothing before a job has ended, but for how long the rates will hold it back', () => {
    const rates = ratesOf({ tokensPerMinute: 1000 })
    expect(expectedMs(new HoldTimes(8000), rates)).toBeNull()
    rates.take(500, 0, 0)
    expect(expectedMs(new HoldTimes(8000), rates)).toBe(61_000)
  })

  it('shares among the slots how long those ahead will hold one, whatever they cost', () => {
    expect(expectedMs(seen(), ratesOf())).toBe(2500)
    const ahead = { jobs: 3, work: 50, holdMs: 9000, knownMs: 0 }
    expect(expectedMs(seen(), ratesOf(), { costs: 'tokens', ahead })).toBe(4500)
  })

  it('adds what runs to it, unless a slot is free', () => {
    const times = seen()
    times.started(job(), 0)
    expect(expectedMs(times, ratesOf(), { now: 500, inFlight: 2 })).toBe(3250)
    expect(expectedMs(times, ratesOf(), { now: 500 })).toBe(2500)
  })

  it('lets the tokens of those ahead pass first, where it is known what they take', () => {
    const rates = ratesOf({ tokensPerMinute: 1000 })
    const ofWork = (work: number, costs: ForecastFacts['costs'] = 'tokens') =>
      expectedMs(seen(), rates, { costs, ahead: { jobs: 3, work, holdMs: 6000, knownMs: 0 } })
    // 900 and its own 600: 500 more than a minute has.
    expect(ofWork(900)).toBe(30_000)
    // No more than three of its own size.
    expect(ofWork(9000)).toBe(84_000)
    expect(ofWork(9000, 'slot-time')).toBe(3000)
  })

  it('lets those ahead pass at the pace of requests, and itself behind them', () => {
    const ahead = { jobs: 9, work: 0, holdMs: 0, knownMs: 0 }
    const rates = ratesOf({ requestsPerMinute: 60 })
    expect(forecast(seen(), rates, facts({ ahead }))).toEqual({ expectedMs: 4000, leastMs: 4000 })
  })

  it('counts what goes before it in the line of its account, and known jobs need not have ended for that', () => {
    const rates = ratesOf({ requestsPerMinute: 60 })
    const inLine = { jobs: 29, work: 0, waiting: 30 }
    for (const times of [seen(), new HoldTimes(8000)])
      expect(forecast(times, rates, facts({ inLine }))).toEqual({ expectedMs: 24_000, leastMs: 24_000 })
  })

  it('is no sooner than the rates let it go alone, however few are ahead', () => {
    const rates = ratesOf({ tokensPerMinute: 1000 })
    rates.take(500, 0, 0)
    const ahead = { jobs: 0, work: 0, holdMs: 0, knownMs: 0 }
    expect(forecast(seen(), rates, facts({ ahead }))).toEqual({ expectedMs: 61_000, leastMs: 61_000 })
  })
})

describe('a forecast for which a job may be refused', () => {
  const ahead = { jobs: 3, work: 0, holdMs: 40_000, knownMs: 36_000 }

  it('is a sixth of what the kinds of those ahead take, and of what runs, shared among the slots', () => {
    const times = new HoldTimes(8000)
    expect(leastMs(times, ratesOf(), { ahead, slots: 1 })).toBe(6000)
    expect(leastMs(times, ratesOf(), { ahead, slots: 2 })).toBe(3000)
    const waiter = newWaiter(leaseRequestOf({ expectedMs: 12_000 }), 1, 0, nothing, nothing)
    times.started(waiter, 0)
    expect(leastMs(times, ratesOf(), { ahead, slots: 1, now: 500 })).toBe(6000)
    expect(leastMs(times, ratesOf(), { ahead, slots: 1, now: 500, inFlight: 1 })).toBe(7500)
    expect(leastMs(times, ratesOf(), { ahead, slots: 2, now: 500, inFlight: 2 })).toBe(3750)
  })

  it('leaves out the longest once for every other slot: each may have begun one a moment ago', () => {
    const times = new HoldTimes(8000)
    times.came(12_000)
    expect(leastMs(times, ratesOf(), { ahead, slots: 1 })).toBe(6000)
    expect(leastMs(times, ratesOf(), { ahead, slots: 2 })).toBe(2000)
    expect(leastMs(times, ratesOf(), { ahead, slots: 3 })).toBeCloseTo(2000 / 3, 9)
    expect(leastMs(times, ratesOf(), { ahead, slots: 9 })).toBe(0)
  })

  it('takes the slots that may come in time, from when each may come', () => {
    const times = new HoldTimes(8000)
    const of = (...raisesMs: number[]) => leastMs(times, ratesOf(), { ahead, slots: 1, raisesMs })
    expect(of(2000, 3000)).toBeCloseTo(3000 + 2000 / 3, 9)
    expect([of(5998), of(6000), of(7000)]).toEqual([5999, 6000, 6000])
    // The one that comes may take a job as long as any, and then the turn has come.
    times.came(6000)
    expect([of(2000), of(5500)]).toEqual([3500, 5500])
  })

  it('counts as slots all that run, where the limit fell below them', () => {
    const inFlight = 3
    expect(leastMs(new HoldTimes(8000), ratesOf(), { ahead, slots: 1, inFlight })).toBe(2000)
    const raisesMs = [1000]
    expect(leastMs(new HoldTimes(8000), ratesOf(), { ahead, slots: 1, inFlight, raisesMs })).toBe(1750)
  })

  it('counts nobody’s tokens where those that are not used are given back, and else what is certain of those ahead', () => {
    const of = (refundsTokens: boolean, more: Partial<ForecastFacts> = {}) => {
      const rates = ratesOf({ tokensPerMinute: 1000, requestsPerMinute: 60, refundsTokens })
      const jobsAhead = { jobs: 9, work: 900, holdMs: 0, knownMs: 0 }
      return leastMs(new HoldTimes(8000), rates, {
        costs: 'tokens',
        ahead: jobsAhead,
        leastTokensAhead: 401,
        ...more,
      })
    }
    expect([of(false), of(true)]).toEqual([60_000, 4000])
    expect(of(false, { leastTokensAhead: 400 })).toBe(4000)
    // No more than so many of its own size.
    expect(of(false, { tokens: 100, leastTokensAhead: 901 })).toBe(4000)
    expect(of(false, { tokens: 101, leastTokensAhead: 900, ahead: { ...nobody, jobs: 9, work: 900 } })).toBe(
      60_000,
    )
  })

  it('is no mean pace: a minute forgets at once what was taken at once', () => {
    const rates = ratesOf({ tokensPerMinute: 10_000 })
    rates.take(9000, 0, 0)
    const ahead = { ...nobody, jobs: 1, work: 4000 }
    const more = { costs: 'tokens', ahead, leastTokensAhead: 3000, tokens: 4000, now: 55_000 } as const
    expect(forecast(seen(), rates, facts(more))).toEqual({ expectedMs: 42_000, leastMs: 6000 })
  })
})
