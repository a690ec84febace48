import { describe, expect, it } from 'vitest'
import { evicted, queueFull, tooLarge, tooSlow, wouldMissDeadline } from './group-refusals.ts'

const limits = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  tokensPerDay: null,
  refundsTokens: true,
}

describe('the words of a full queue', () => {
  it('say whose jobs wait, how many may, and when there is room', () => {
    expect(queueFull('glm/main', { scope: 'client', unit: 'jobs', limit: 1, used: 1 }, 5000)).toEqual({
      kind: 'refusal',
      reason: 'queue-full',
      scope: 'client',
      dimension: 'jobs waiting for glm/main',
      limit: 1,
      used: 1,
      retryAfterMs: 5000,
      message:
        '1 job of your window already waits for glm/main (limit 1). The next of them starts in about 5 seconds; call again then.',
    })
    expect(queueFull('kimi', { scope: 'provider', unit: 'jobs', limit: 9, used: 9 }, null).message).toBe(
      '9 jobs of all callers already wait for kimi (limit 9). Call again when some of them are done.',
    )
  })

  it('count bytes where these are too many', () => {
    const full = { scope: 'principal', unit: 'bytes', limit: 1000, used: 1200 } as const
    expect(queueFull('kimi', full, 5000)).toMatchObject({
      reason: 'queue-full',
      dimension: 'bytes waiting for kimi',
      retryAfterMs: 5000,
      message:
        '1200 bytes of jobs of your key already wait for kimi (limit 1000). The next of them starts in about 5 seconds; call again then.',
    })
  })

  it('tell whoever was dropped which bound it was', () => {
    expect(evicted('kimi', { scope: 'provider', unit: 'jobs', limit: 4, used: 4 }, null)).toMatchObject({
      reason: 'queue-full',
      scope: 'provider',
      dimension: 'jobs waiting for kimi',
      limit: 4,
      used: 4,
      retryAfterMs: null,
    })
  })
})

describe('the words for a wait that is too long', () => {
  it('name the rate that is used up, what it allows, and what is left of it', () => {
    const scarce = {
      unit: 'tokens a minute',
      limit: 1000,
      remaining: 30,
      resetMs: null,
      source: 'configured',
    } as const
    expect(wouldMissDeadline('kimi', 40_000, 10_000, scarce)).toEqual({
      kind: 'refusal',
      reason: 'would-miss-deadline',
      scope: 'provider',
      dimension: 'tokens a minute of kimi',
      limit: 1000,
      used: 970,
      retryAfterMs: 30_000,
      message:
        'kimi takes 1000 tokens a minute, and 30 are left, too few for this job: the wait would be about 40 seconds, and this call may wait for 10 seconds. Call again in about 30 seconds, or ask for a model of another provider.',
    })
    // Where nobody knows the limit there is only the wait to tell.
    expect(wouldMissDeadline('kimi', 40_000, 10_000, { ...scarce, limit: null }).dimension).toBe(
      'seconds of waiting for kimi',
    )
  })

  it('say that it is busy where other jobs are what it waits for', () => {
    expect(wouldMissDeadline('kimi', 8200, 5000)).toMatchObject({
      scope: 'provider',
      dimension: 'seconds of waiting for kimi',
      limit: 5,
      used: 9,
      retryAfterMs: 3200,
    })
  })

  it('say how long it was in vain, and that nobody knows when it would be better', () => {
    expect(tooSlow('kimi', 10_000, null)).toEqual({
      kind: 'refusal',
      reason: 'would-miss-deadline',
      scope: 'provider',
      dimension: 'seconds of waiting for kimi',
      limit: 10,
      used: 10,
      retryAfterMs: null,
      message:
        'No place at kimi became free within 10 seconds. Call again when it is less busy, or ask for another model.',
    })
  })
})

describe('the words for a job that never fits', () => {
  it('name the smaller of the limits it is beyond', () => {
    expect(tooLarge('kimi', 500, { ...limits, tokensPerMinute: 100, tokensPerDay: 400 })).toEqual({
      kind: 'refusal',
      reason: 'too-large',
      scope: 'provider',
      dimension: 'tokens of kimi',
      limit: 100,
      used: 500,
      retryAfterMs: null,
      message:
        'This job may take 500 tokens, and kimi allows 100. Send less text, or ask for a shorter answer.',
    })
    expect(tooLarge('kimi', 500, { ...limits, tokensPerDay: 400 }).limit).toBe(400)
  })
})
