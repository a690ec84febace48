// What 2025-era sessions outlive their process by, put together from the data folder: the secret that seals their ids, and the
// records beside them.

import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import type { KeyRing } from '../../principals/key-ring.ts'
import type { Records } from '../../store/records.ts'
import { sealSecretFileName } from '../../store/seal-secret-file.ts'
import { SealSecretKeeper } from '../../store/seal-secret-keeper.ts'
import type { SessionLife } from './mcp-options.ts'

/** What an operator sets about sessions. */
export interface SessionLifeSettings {
  readonly dataDir: string
  readonly limits: { readonly sessionTtlHours: number }
}

/** What they depend on. */
export interface SessionLifeOptions {
  readonly clock: Clock
  readonly records: Records
  /** Says since when a principal holds its key. */
  readonly keys: Pick<KeyRing, 'of'>
  /** The secret became unreadable; the one known before stays in force. */
  onFault(error: Error): void
}

/** As `SessionLife`; whoever opens it destroys it. */
export interface OpenSessionLife extends SessionLife {
  readonly secrets: SealSecretKeeper
}

/** A duration of so many hours, in milliseconds. */
export function hoursToMs(hours: number): number {
  return hours * 3_600_000
}

/** Reads or makes the secret. Rejects with a sentence. */
export async function openSessionLife(
  { dataDir, limits }: SessionLifeSettings,
  { clock, records, keys, onFault }: SessionLifeOptions,
): Promise<OpenSessionLife> {
  const path = join(dataDir, sealSecretFileName)
  return {
    secrets: await SealSecretKeeper.open({ path, clock, onFault }),
    records,
    lifeMs: hoursToMs(limits.sessionTtlHours),
    holdsSince(principal) {
      const key = keys.of(principal)
      return key === null ? 0 : Date.parse(key.createdAt)
    },
  }
}
