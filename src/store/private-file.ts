// A data file for its owner alone, also in a folder that others may enter: what SQLite makes by itself is as open as the umask lets it be.

import { chmodSync, closeSync, openSync, statSync } from 'node:fs'

const ownerAlone = 0o600
const othersToo = 0o077
// What SQLite keeps beside a file in WAL mode. It makes them with the rights of the file itself.
const companions = ['-wal', '-shm'] as const

/**
 * Makes the file at `path` if it is not there, and takes away what an older one and its companions allow to others. Blocks; throws what
 * the file system throws. Another owner's file is left as it is: whoever shares it with us decides.
 */
export function makePrivateFile(path: string): void {
  if (!tighten(path)) closeSync(openSync(path, 'a', ownerAlone))
  for (const companion of companions) tighten(`${path}${companion}`)
}

// False: it is not there.
function tighten(path: string): boolean {
  const known = statSync(path, { throwIfNoEntry: false })
  if (known === undefined) return false
  if (known.isFile() && (known.mode & othersToo) !== 0 && isOurs(known.uid)) chmodSync(path, ownerAlone)
  return true
}

// Where there are no user ids (Windows) modes say nothing either.
function isOurs(owner: number): boolean {
  const user = process.getuid?.()
  return user === 0 || user === owner
}
