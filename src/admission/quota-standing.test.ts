import { describe, expect, it } from 'vitest'
import { standingLines } from './quota-standing.ts'

describe('where a quota stands', () => {
  it('is said with whose it is, what is left of how much, and when all of it is there again', () => {
    const hour = 3_600_000
    expect(
      standingLines([
        { scope: 'client', unit: 'tokens', period: 'minute', limit: 600, used: 100, wholeInMs: 10_000 },
        { scope: 'principal', unit: 'tokens', period: 'day', limit: 1000, used: 1200, wholeInMs: 6.5 * hour },
        { scope: 'principal', unit: 'tokens', period: 'day', limit: 1000, used: 0, wholeInMs: 0 },
        {
          scope: 'team',
          unit: 'micro-dollars',
          period: 'month',
          limit: 2e6,
          used: 0.5e6,
          wholeInMs: 100 * hour,
        },
      ]),
    ).toEqual([
      'This window has 500 of 600 tokens left this minute.',
      'This key has 0 of 1000 tokens left today (UTC); all of it again in 7 h.',
      'This key has 1000 of 1000 tokens left today (UTC).',
      'Its team has 1.5 of 2 US dollars left this month (UTC); all of it again in 5 days.',
    ])
  })
})
