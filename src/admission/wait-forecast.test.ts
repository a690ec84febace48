import { describe, expect, it } from 'vitest'
import { type AccountRateLimits, AccountRates } from './account-rates.ts'
import { GroupRates } from './group-rates.ts'
import { HoldTimes } from './hold-times.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import { type ForecastFacts, forecastMs } from './wait-forecast.ts'
import { newWaiter, type Waiter } from './waiter.ts'

const none = { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null, refundsTokens: false }
const ratesOf = (limits: Partial<AccountRateLimits> = {}) =>
  new GroupRates(new AccountRates({ ...none, ...limits }))

function job(): Waiter {
  const never = (): void => undefined
  return newWaiter(leaseRequestOf(), 1, 0, never, never)
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
  ahead: { jobs: 3, work: 5000 },
  inLine: null,
  tokens: 600,
  costs: 'slot-time',
  slots: 2,
  hasFreeSlot: true,
  now: 0,
  wallMs: 0,
  ...more,
})

describe('a forecast', () => {
  it('knows nothing before a job has ended, but for how long the rates will hold it back', () => {
    const rates = ratesOf({ tokensPerMinute: 1000 })
    expect(forecastMs(new HoldTimes(8000), rates, facts())).toBeNull()
    rates.take(500, 0, 0)
    expect(forecastMs(new HoldTimes(8000), rates, facts())).toBe(61_000)
  })

  it('shares what is ahead among the slots: by its work or by its number, whichever is more hopeful', () => {
    expect(forecastMs(seen(), ratesOf(), facts())).toBe(2500)
    expect(forecastMs(seen(), ratesOf(), facts({ ahead: { jobs: 3, work: 9000 } }))).toBe(3000)
    // Tokens are no time.
    expect(forecastMs(seen(), ratesOf(), facts({ costs: 'tokens', ahead: { jobs: 3, work: 50 } }))).toBe(3000)
  })

  it('adds what runs to it, unless a slot is free', () => {
    const times = seen()
    times.started(job(), 0)
    expect(forecastMs(times, ratesOf(), facts({ now: 500, hasFreeSlot: false }))).toBe(3250)
    expect(forecastMs(times, ratesOf(), facts({ now: 500 }))).toBe(2500)
  })

  it('lets the tokens of those ahead pass first, where it is known what they take', () => {
    const rates = ratesOf({ tokensPerMinute: 1000 })
    const ofWork = (work: number, costs: ForecastFacts['costs'] = 'tokens') =>
      forecastMs(seen(), rates, facts({ costs, ahead: { jobs: 3, work } }))
    // 900 and its own 600: 500 more than a minute has.
    expect(ofWork(900)).toBe(30_000)
    // No more than three of its own size.
    expect(ofWork(9000)).toBe(84_000)
    expect(ofWork(9000, 'slot-time')).toBe(3000)
  })

  it('lets those ahead pass at the pace of requests, and itself behind them', () => {
    const ahead = { jobs: 9, work: 0 }
    expect(forecastMs(seen(), ratesOf({ requestsPerMinute: 60 }), facts({ ahead }))).toBe(4000)
  })

  it('counts what goes before it in the line of its account, and known jobs need not have ended for that', () => {
    const rates = ratesOf({ requestsPerMinute: 60 })
    const inLine = { jobs: 29, work: 0, waiting: 30 }
    for (const times of [seen(), new HoldTimes(8000)])
      expect(forecastMs(times, rates, facts({ inLine }))).toBe(24_000)
  })

  it('is no sooner than the rates let it go alone, however few are ahead', () => {
    const rates = ratesOf({ tokensPerMinute: 1000 })
    rates.take(500, 0, 0)
    expect(forecastMs(seen(), rates, facts({ ahead: { jobs: 0, work: 0 } }))).toBe(61_000)
  })
})
