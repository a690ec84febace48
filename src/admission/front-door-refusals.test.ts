import { describe, expect, it } from 'vitest'
import { type Owner, tooFast, tooManyClients, tooManyInFlight } from './front-door-refusals.ts'
import { fullBucket, toRate } from './gcra.ts'

const key: Owner = { scope: 'principal', who: 'Your key' }

describe('the sentences of the front door', () => {
  it('count one call as one', () => {
    expect(tooManyInFlight(key, 1, 1, 0).message).toBe(
      'Your key has 1 call in flight, and its limit is 1. Wait until it has answered, then call again.',
    )
    expect(tooManyInFlight(key, 3, 3, 0).message).toBe(
      'Your key has 3 calls in flight, and its limit is 3. Wait until one of them has answered, then call again.',
    )
    expect(tooManyInFlight(key, 1, 1, 30_000).message).toContain('for another 30 seconds, because')
  })

  it('count one request as one, and say when to come back', () => {
    expect(tooFast(key, toRate(1, 1), fullBucket, 0, 60_000).message).toBe(
      'Your key may make 1 request a minute, and has used it. Call again in 60 seconds.',
    )
    expect(tooFast(key, toRate(60, 5), fullBucket, 0, 1).message).toBe(
      'Your key may make 60 requests a minute, 5 of them at once, and has used them. Call again in 1 second.',
    )
    expect(tooManyClients('server', 1, 1, 600).message).toBe(
      'This server already serves 1 client (limit 1). Try again in 1 second, or ask the server’s operator to raise limits.maxClients.',
    )
  })

  it('name no time where nobody knows one', () => {
    expect(tooManyClients('principal', 15, 15, null)).toMatchObject({
      scope: 'principal',
      retryAfterMs: null,
      message:
        'Your key already has 15 clients here (limit 15). Each of them has a call in flight: try again when one has been answered, or ask the server’s operator to raise limits.maxClients.',
    })
    expect(tooManyClients('server', 1, 1, null).message).toContain('(limit 1). It has a call in flight: try')
  })

  it('name what was counted, and whose it was', () => {
    const counted = { kind: 'refusal', dimension: 'calls in flight', limit: 3, used: 3, retryAfterMs: null }
    expect(tooManyInFlight(key, 3, 3, 0)).toMatchObject({ ...counted, scope: 'principal' })
    expect(tooFast(key, toRate(60, 5), fullBucket, 0, 250)).toMatchObject({
      dimension: 'requests a minute',
      limit: 60,
      retryAfterMs: 250,
    })
    expect(tooManyClients('server', 9, 8, 1000)).toMatchObject({
      kind: 'refusal',
      reason: 'too-many-clients',
      scope: 'server',
      dimension: 'clients',
      limit: 9,
      used: 8,
      retryAfterMs: 1000,
    })
  })
})
