// How long a job waits for its rows to be safe. Whoever gets an answer waits as long as it takes: a row must be on the disk before the
// answer it pays for is written to anybody. Nobody gets an answer of a job that was given up; its rows are written all the same.

import type { Clock, Timer } from '../lib/clock.ts'

// Half of what an aborted call is given to clean up: work that only waits for a disk must not look like work that hangs.
const givenUpMs = 500

/** Resolves when `rows` has, or half a second after `signal` is aborted. Rejects as `rows` does. */
export async function untilSafe(clock: Clock, signal: AbortSignal, rows: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>()
  let timer = null as Timer | null
  const giveUp = (): void => {
    timer = clock.after(givenUpMs, late.resolve)
  }
  if (signal.aborted) giveUp()
  else signal.addEventListener('abort', giveUp, { once: true })
  try {
    await Promise.race([rows, late.promise])
  } finally {
    signal.removeEventListener('abort', giveUp)
    timer?.cancel()
  }
}
