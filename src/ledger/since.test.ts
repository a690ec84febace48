// How people say since when, and how they read what was used.

import { describe, expect, it } from 'vitest'
import type { UsageLine } from './ledger.ts'
import { parseSince } from './since.ts'
import { dollars, usageTable } from './usage-table.ts'

const now = Date.UTC(2026, 10, 22)
const line = (name: string, cost: bigint): UsageLine => ({
  name,
  names: 1,
  calls: 1,
  attempts: 2,
  failedAttempts: 1,
  cachedAnswers: 0,
  estimatedAttempts: name === 'b' ? 1 : 0,
  inputTokens: 10n,
  cachedInputTokens: 0n,
  outputTokens: 5n,
  costNanoUsd: cost,
  savedNanoUsd: 0n,
})

describe('since', () => {
  it('is a span back from now, or a day', () => {
    expect(parseSince('7d', now)).toBe(now - 7 * 86_400_000)
    expect(parseSince(' 24h ', now)).toBe(now - 86_400_000)
    expect(parseSince('2026-11-01', now)).toBe(Date.UTC(2026, 10, 1))
  })

  it.each(['', '7', 'yesterday', '7 days', '2026-11-31', '2026-13-01', '-1d', '1.5h'])(
    'is not "%s"',
    (text) => {
      expect(parseSince(text, now)).toBeNull()
    },
  )
})

describe('a table of usage', () => {
  it('has a line a name and a sum, and marks what was estimated', () => {
    const text = usageTable([line('a', 1_500_000_000n), line('b', 1n)], 'model')
    expect(text.split('\n')).toEqual([
      expect.stringMatching(/^model +calls +attempts/),
      expect.stringMatching(/^a +1 +2 +1 +0 +10 +5 +\$1\.5000 +\$0\.0000$/),
      expect.stringMatching(/^b +1 +2 +1 +0 +10\* +5\* +\$0\.000000 +\$0\.0000$/),
      expect.stringMatching(/^all +4 +2 +0 +20\* +10\* +\$1\.5000/),
      '* some of it estimated: the vendor did not count',
    ])
    const more = usageTable([line('a', 5n), { ...line('b', 1n), names: 7, calls: null }], 'client')
    expect(more.split('\n')[2]).toMatch(/^7 more +2 /)
    expect(usageTable([], 'model')).toBe('Nothing was used in that time.')
  })

  it('shows small amounts with more digits', () => {
    expect([dollars(0n), dollars(123_456n), dollars(1_234_567n)]).toEqual(['$0.0000', '$0.000123', '$0.0012'])
  })
})
