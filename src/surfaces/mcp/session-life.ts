// What sessions outlive their process by, put together from the data folder: the secret that seals the ids of the 2025 era, the
// records beside them, and the marks of calls that may not.

import { join } from 'node:path'
import { VendorMarks } from '../../calls/vendor-marks.ts'
import type { Clock } from '../../lib/clock.ts'
import { birthOf, isAlive } from '../../lib/is-alive.ts'
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
  /** Says which key a principal holds. */
  readonly keys: Pick<KeyRing, 'of'>
  /** The secret became unreadable, and the one known before stays in force; or no mark can be written. */
  onFault(error: Error): void
}

/** As `SessionLife`; whoever opens it destroys it, when every call has been answered. */
export interface OpenSessionLife extends SessionLife {
  destroy(): Promise<void>
}

const marksFolderName = 'calls'

/** Reads or makes the secret. Rejects with a sentence. */
export async function openSessionLife(
  { dataDir, limits }: SessionLifeSettings,
  { clock, records, keys, onFault }: SessionLifeOptions,
): Promise<OpenSessionLife> {
  const path = join(dataDir, sealSecretFileName)
  const secrets = await SealSecretKeeper.open({ path, clock, onFault })
  const folder = join(dataDir, marksFolderName)
  const { pid } = process
  const marks = await VendorMarks.open({ folder, clock, pid, birth: birthOf(pid), isAlive, onFault })
  return {
    secrets,
    records,
    marks,
    lifeMs: limits.sessionTtlHours * 3_600_000,
    keyOf: (principal) => keys.of(principal),
    destroy() {
      secrets.destroy()
      return marks.destroy()
    },
  }
}
