import { describe, expect, it } from 'vitest'
import { parseReset, readLimitHeaders } from './limit-headers.ts'

const wallMs = Date.parse('2026-11-22T12:00:00Z')

describe('headers that speak of limits', () => {
  it('are read for requests and tokens apart, as most vendors of the dialect send them', () => {
    const headers = {
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-limit-tokens': '150000',
      'x-ratelimit-remaining-tokens': '149984',
      'x-ratelimit-reset-tokens': '6m0s',
    }
    expect(readLimitHeaders(headers, wallMs)).toEqual({
      requests: { limit: 60, remaining: 59, resetMs: 1000 },
      tokens: { limit: 150_000, remaining: 149_984, resetMs: 360_000 },
      concurrency: null,
    })
  })

  it('without a unit speak of requests', () => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '12' }
    expect(readLimitHeaders(headers, wallMs)).toEqual({
      requests: { limit: null, remaining: 0, resetMs: 12_000 },
      tokens: null,
      concurrency: null,
    })
  })

  it('say nothing when the reset or the rest is missing or makes no sense', () => {
    for (const headers of [
      {},
      { 'x-ratelimit-remaining-requests': '0' },
      { 'x-ratelimit-remaining-requests': 'none', 'x-ratelimit-reset-requests': '1s' },
      { 'x-ratelimit-remaining-requests': '-1', 'x-ratelimit-reset-requests': '1s' },
      { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': 'soon' },
      { 'x-ratelimit-limit-tokens': '5', 'x-ratelimit-reset-tokens': '1s' },
    ])
      expect(readLimitHeaders(headers, wallMs), JSON.stringify(headers)).toBeNull()
  })

  it.each([
    ['20ms', 20],
    ['1s', 1000],
    ['1.5', 1500],
    ['6m0s', 360_000],
    ['1h2m3.5s', 3_723_500],
    ['1d', 86_400_000],
    [String(wallMs / 1000 + 30), 30_000],
    [String(wallMs + 30_000), 30_000],
    ['2026-11-22T12:00:07Z', 7000],
    ['Sun, 22 Nov 2026 12:01:00 GMT', 60_000],
    ['0', 0],
    ['', null],
    ['soon', null],
    ['2026-11-22T11:59:00Z', null],
  ])('take the reset %j as %s ms', (text, ms) => {
    expect(parseReset(text, wallMs)).toBe(ms)
  })
})
