// A file that others change, read again whenever it has changed. It is looked at now and then: what a system says of changes by itself
// is silent on some folders (network, containers).

import { stat } from 'node:fs/promises'
import type { Clock } from './clock.ts'

/** A file, and who reads it. */
export interface FollowedFile {
  readonly path: string
  readonly clock: Clock
  /** How often it is looked at, in milliseconds. */
  readonly everyMs: number
  /** Reads it; also told when it has come or gone. */
  read(isFirst: boolean): Promise<void>
  /** It could not be read; it is tried again with the next look. */
  onFault(error: Error): void
}

/** Reads the file, and again after each change; answers how to stop that. Rejects as the first reading does. */
export async function followFile(file: FollowedFile): Promise<() => void> {
  const { path, clock, everyMs } = file
  // Looked at before it is read: what changes meanwhile is seen by the next look.
  let version = await versionOf(path)
  await file.read(true)
  let isStopped = false
  const look = async (): Promise<void> => {
    const seen = await versionOf(path)
    if (seen === version) return
    await file.read(false)
    version = seen
  }
  const lookLater = () =>
    clock.after(everyMs, () => {
      void look()
        .catch((error: unknown) => file.onFault(error instanceof Error ? error : new Error(String(error))))
        .finally(() => {
          if (!isStopped) timer = lookLater()
        })
    })
  let timer = lookLater()
  return () => {
    isStopped = true
    timer.cancel()
  }
}

async function versionOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path)
    return `${ino}:${mtimeMs}:${size}`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none'
    throw error
  }
}
