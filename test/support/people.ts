// People with keys, for scenarios: their keys made and kept as `exai key` does, their names said once.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { mintKey } from '../../src/principals/api-key.ts'
import { addKey, type KeyRecord, keyFileName, revokeKey } from '../../src/principals/key-file.ts'

/** Makes a key for `name` in a data folder and answers it. */
export async function admitPerson(
  dataDir: string,
  name: string,
  over: Partial<KeyRecord> = {},
): Promise<string> {
  mkdirSync(dataDir, { recursive: true })
  const { key, digest } = mintKey()
  const record: KeyRecord = {
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
    ...over,
  }
  await addKey(join(dataDir, keyFileName), record, systemClock)
  return key
}

/** Revokes the key of `name`. */
export function expelPerson(dataDir: string, name: string): Promise<void> {
  return revokeKey(join(dataDir, keyFileName), name, '2026-11-22T01:00:00Z', systemClock)
}
