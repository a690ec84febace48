import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { AccountRates } from './account-rates.ts'
import { GroupRates } from './group-rates.ts'
import { ratesRefusal } from './rates-refusal.ts'

/** Rates of which half a minute's thousand tokens are taken, at 0; nothing of it comes back when `refundsTokens` is false. */
function open(refundsTokens: boolean) {
  const limits = { requestsPerMinute: null, tokensPerMinute: 1000, tokensPerDay: null, refundsTokens }
  const rates = new GroupRates(new AccountRates(limits))
  rates.take(500, 0, 0)
  const clock = new VirtualClock()
  const refusal = (tokens: number, untilAt: number) =>
    ratesRefusal({ name: 'kimi', rates, limits }, tokens, untilAt, clock)
  return { clock, refusal }
}

describe('what the rates refuse', () => {
  it('is what they cannot let go in time, to the millisecond, with the rate that is scarce', async () => {
    const { clock, refusal } = open(false)
    expect(refusal(500, 0)).toBeNull()
    expect(refusal(501, 61_000)).toBeNull()
    expect(refusal(501, 60_999)).toMatchObject({
      reason: 'would-miss-deadline',
      dimension: 'tokens a minute of kimi',
      used: 500,
      retryAfterMs: 1000,
    })
    await clock.advance(40_000)
    expect(refusal(501, 61_000)).toBeNull()
    expect(refusal(501, 51_000)).toMatchObject({
      retryAfterMs: 10_000,
      message: expect.stringContaining('about 21 seconds, and this call may wait for 11'),
    })
  })

  it('is nothing that fits when what runs gives back what it has set aside', () => {
    expect(open(true).refusal(501, 0)).toBeNull()
    expect(open(true).refusal(1000, 0)).toBeNull()
  })

  it('is what no minute ever takes, whenever it is asked', () => {
    expect(open(true).refusal(1001, Number.POSITIVE_INFINITY)).toMatchObject({
      reason: 'too-large',
      limit: 1000,
      used: 1001,
    })
  })
})
