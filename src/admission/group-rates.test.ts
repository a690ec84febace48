import { describe, expect, it } from 'vitest'
import { type AccountRateLimits, AccountRates } from './account-rates.ts'
import { GroupRates } from './group-rates.ts'
import { RatesLine } from './rates-line.ts'

const none = { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null, refundsTokens: true }
const day = 86_400_000

function open(limits: Partial<AccountRateLimits>): GroupRates {
  return new GroupRates(new AccountRates({ ...none, ...limits }))
}

describe('rates of a group', () => {
  it('show what is left of each, and who says so', () => {
    const rates = open({ requestsPerMinute: 3, tokensPerMinute: 100, tokensPerDay: 1000 })
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
    const rates = open({ requestsPerMinute: 60, tokensPerMinute: 100, tokensPerDay: 1000 })
    expect(rates.scarce(10, 0, 0)).toBeNull()
    rates.take(95, 0, 0)
    expect(rates.scarce(10, 0, 0)).toMatchObject({ unit: 'tokens a minute', limit: 100, remaining: 5 })
    rates.settle(rates.take(950, 0, 0), 900, true)
    expect(rates.scarce(5, 0, 0)).toMatchObject({ unit: 'tokens a minute', remaining: 0 })
    expect(rates.scarce(6, 0, 0)).toMatchObject({ unit: 'tokens a day', limit: 1000, remaining: 5 })
  })

  it('name the requests where it is their pace, or their minute', () => {
    const rates = open({ requestsPerMinute: 60 })
    for (let i = 0; i < 6; i++) rates.take(0, 0, 0)
    expect(rates.scarce(0, 0, 0)).toMatchObject({ unit: 'requests a minute', limit: 60, remaining: 54 })
    const few = open({ requestsPerMinute: 2 })
    few.take(0, 0, 0)
    few.take(0, 30_000, 30_000)
    // By their pace one more might go at 60 s; the minute has room a second later.
    expect(few.waitMs(0, 60_000, 60_000)).toBe(1000)
    expect(few.scarce(0, 60_000, 60_000)).toMatchObject({ unit: 'requests a minute', remaining: 0 })
  })

  it('name none where the vendor’s own word is what holds it back longer', () => {
    const rates = open({ tokensPerMinute: 100 })
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

  it('never let a job go that is more than the minute, whatever runs gives back', () => {
    const rates = open({ tokensPerMinute: 100 })
    rates.take(95, 0, 0)
    expect([rates.soonestMs(100, 0, 0), rates.soonestMs(196, 0, 0)]).toEqual([0, Number.POSITIVE_INFINITY])
  })

  it('are for its own queue to share out while no group stands in line for them', () => {
    const account = new AccountRates({ ...none, requestsPerMinute: 60 })
    const line = new RatesLine(account)
    const queue = { size: 0, clients: () => [], jobs: () => [] }
    const [one, other] = [0, 1].map(() => new GroupRates(account, line, { wake: () => undefined, queue }))
    const isLine = () => [open({ requestsPerMinute: 60 }), one, other].map((rates) => rates?.isLine)
    expect(isLine()).toEqual([false, false, false])
    other?.turn(0)
    expect(isLine()).toEqual([false, true, true])
    other?.stepAside()
    expect(isLine()).toEqual([false, false, false])
  })

  it('leave a draw as it is, whoever it is charged to, where no other group wants them', () => {
    const rates = open({ tokensPerMinute: 100 })
    const draw = rates.take(40, 0, 0)
    const payer = { key: 'w1', weight: 1, principal: { key: 'bert', weight: 1 } }
    expect(rates.recharged(draw, payer)).toEqual(draw)
    expect(rates.partyOf('bert')).toBeNull()
  })
})
