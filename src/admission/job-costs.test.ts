import { describe, expect, it } from 'vitest'
import { HoldTimes } from './hold-times.ts'
import { JobCosts } from './job-costs.ts'
import { leaseRequestOf } from './lease-request-of.ts'

const uncounted = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  tokensPerDay: null,
  refundsTokens: true,
}
const times = new HoldTimes(8000)
const job = { request: leaseRequestOf(), tokens: 5000 }

describe('what a job costs', () => {
  it('is its tokens where shares are counted in tokens, else the time it holds its slot', () => {
    const inTokens = new JobCosts('tokens', uncounted, times)
    expect(inTokens.expected(job)).toEqual({ estimate: 5000, holdMs: 8000 })
    expect(inTokens.settled({ requests: 1, reserved: 5000, used: 4000 }, 7)).toBe(4000)
    const inTime = new JobCosts('slot-time', uncounted, times)
    expect(inTime.expected(job)).toEqual({ estimate: 8000, holdMs: 8000 })
    const known = { ...job, request: leaseRequestOf({ expectedMs: 300 }) }
    expect(inTime.expected(known)).toEqual({ estimate: 300, holdMs: 300 })
    expect(inTime.settled({ requests: 1, reserved: 5000, used: 4000 }, 7)).toBe(7)
  })

  it('is what was set aside where the vendor gives nothing back, and more when more was used', () => {
    const kept = new JobCosts('tokens', { ...uncounted, refundsTokens: false }, times)
    expect(kept.settled({ requests: 1, reserved: 5000, used: 4000 }, 7)).toBe(5000)
    expect(kept.settled({ requests: 1, reserved: 5000, used: 6000 }, 7)).toBe(6000)
  })

  it('is at least what a request is worth: a part of the minute’s tokens, or a thousand where one of the two is unknown', () => {
    const tiny = { ...job, tokens: 1 }
    const both = { ...uncounted, requestsPerMinute: 10, tokensPerMinute: 5000 }
    expect(new JobCosts('tokens', both, times).expected(tiny)).toMatchObject({ estimate: 500 })
    for (const one of ['requestsPerMinute', 'tokensPerMinute'])
      expect(new JobCosts('tokens', { ...both, [one]: null }, times).expected(tiny)).toMatchObject({
        estimate: 1000,
      })
  })

  it('says what others take at least of the vendor’s tokens, of whom each was counted as a request is worth', () => {
    const limits = { ...uncounted, requestsPerMinute: 10, tokensPerMinute: 5000 }
    const inTokens = new JobCosts('tokens', limits, times)
    expect(inTokens.leastTokens({ jobs: 3, work: 3200 })).toBe(1700)
    expect(inTokens.leastTokens({ jobs: 3, work: 1499 })).toBe(0)
    expect(new JobCosts('slot-time', limits, times).leastTokens({ jobs: 3, work: 3200 })).toBe(0)
  })
})
