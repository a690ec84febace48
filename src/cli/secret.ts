// `exai secret rotate`: puts a new secret before those that seal session ids. A running server takes it up within seconds.

import { join } from 'node:path'
import { makeDataFolder } from '../config/data-folder.ts'
import { systemClock } from '../lib/clock.ts'
import { rotateSealSecret, sealSecretFileName } from '../store/seal-secret-file.ts'

/** Rotates; `isForgetting`: older secrets go at once. Rejects with a sentence for a person. */
export async function rotateSecretCommand(dataDir: string, isForgetting: boolean): Promise<number> {
  await makeDataFolder(dataDir)
  const kept = await rotateSealSecret({
    path: join(dataDir, sealSecretFileName),
    clock: systemClock,
    isForgetting,
  })
  process.stderr.write(
    kept === 0
      ? 'There is a new secret, and no older one is left: clients open new sessions.\n'
      : `There is a new secret. Of the older ones ${kept} can still open what they sealed. A running server takes it up within seconds.\n`,
  )
  return 0
}
