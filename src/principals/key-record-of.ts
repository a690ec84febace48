// Keys as they are kept, for tests: said by what sets them apart.

import type { KeyRecord } from './key-file.ts'

/** A key in force without limits, but for what `more` says. */
export function keyRecordOf(name: string, digest: string, more: Partial<KeyRecord> = {}): KeyRecord {
  return {
    name,
    team: null,
    weight: 1,
    requestsPerMinute: null,
    tokensPerMinute: null,
    tokensPerDay: null,
    budgetUsdPerMonth: null,
    scope: 'use',
    digest,
    createdAt: '2026-11-22T00:00:00Z',
    revokedAt: null,
    ...more,
  }
}
