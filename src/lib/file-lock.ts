// A lock between processes: a file that only one of them can create. For commands that change a file of ours now and then.

import { open, rm, stat } from 'node:fs/promises'
import type { Clock } from './clock.ts'

const lockRetryMs = 20
const lockTriesMax = 500
const staleLockMs = 10_000

/**
 * Takes the lock, waiting up to ten seconds; answers how to give it back. One left by a killed command is taken over once it is
 * old. Rejects with a sentence.
 */
export async function lockFile(path: string, clock: Clock): Promise<() => Promise<void>> {
  for (let tries = 0; tries < lockTriesMax; tries++) {
    try {
      await (await open(path, 'wx', 0o600)).close()
      return () => rm(path, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new Error(
          `The folder of ${path} cannot be written (${(error as NodeJS.ErrnoException).code}).`,
          { cause: error },
        )
      }
      const age = await stat(path).then(
        ({ mtimeMs }) => clock.wallMs() - mtimeMs,
        () => 0, // gone in the meantime: the next try takes it
      )
      if (age > staleLockMs) await rm(path, { force: true })
      else await new Promise<void>((resolve) => clock.after(lockRetryMs, resolve))
    }
  }
  throw new Error(`Another command holds ${path}. Try again; remove that file if no other exai command runs.`)
}
