// What all streams of a process share: the loop that writes, the batch of what is short, the watch on slow readers, and their sizes.
// Made once, by the composition root, and handed to every door.

import type { Clock } from '../lib/clock.ts'
import { FlushLoop } from './flush-loop.ts'
import { SlowReaders, type SlowReadersState } from './slow-readers.ts'
import { WriteBatch } from './write-batch.ts'

/** What a flow is made of. */
export interface FlowOptions {
  readonly clock: Clock
  /** A reader that takes nothing for so long loses its stream; default 120 s. */
  readonly slowReaderMs?: number
  /** Default: after everything that is ready now, as `setImmediate` does. */
  readonly yieldTurn?: (run: () => void) => void
  /** Told what a write of the batch has thrown, as in `write-batch.ts`. */
  readonly onBug?: (error: unknown) => void
}

/** The shared parts. */
export interface Flow {
  readonly loop: FlushLoop
  /** Where what is short waits for the end of the turn. */
  readonly batch: WriteBatch
  readonly readers: SlowReaders
  /** The credit window: with so many bytes on the way to its reader, a connection is asked nothing new. */
  readonly creditBytes: number
  /** What may wait for one reader, slow or not: with more there is no room for another result, and no progress. */
  readonly heldBytesMax: number
  /** What is neither may then still wait; more of it loses the reader. */
  readonly controlBytesMax: number
  inspect(): SlowReadersState
}

/** Makes it; it holds nothing until somebody is behind. */
export function createFlow(options: FlowOptions): Flow {
  const { clock, slowReaderMs = 120_000 } = options
  const readers = new SlowReaders({ clock, slowReaderMs, spoolBytesMax: 1_048_576 })
  const yieldTurn = options.yieldTurn ?? ((run) => void setImmediate(run))
  return {
    loop: new FlushLoop({ yieldTurn }),
    batch: new WriteBatch({ yieldTurn, onBug: options.onBug }),
    readers,
    creditBytes: 262_144,
    heldBytesMax: 16_777_216,
    controlBytesMax: 1_048_576,
    inspect: () => readers.inspect(),
  }
}
