// People with keys, for scenarios: their keys made and kept as `exai key` does, their names said once.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { mintKey } from '../../src/principals/api-key.ts'
import { addKey, type KeyRecord, keyFileName, revokeKey } from '../../src/principals/key-file.ts'
import { keyRecordOf } from '../../src/principals/key-record-of.ts'

/** Makes a key for `name` in a data folder and answers it. */
export async function admitPerson(
  dataDir: string,
  name: string,
  over: Partial<KeyRecord> = {},
): Promise<string> {
  mkdirSync(dataDir, { recursive: true })
  const { key, digest } = mintKey()
  await addKey(join(dataDir, keyFileName), keyRecordOf(name, digest, over), systemClock)
  return key
}

/** Revokes the key of `name`. */
export function expelPerson(dataDir: string, name: string): Promise<void> {
  return revokeKey(join(dataDir, keyFileName), name, '2026-11-22T01:00:00Z', systemClock)
}
