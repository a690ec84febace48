// Which readers take nothing. Only readers that are behind are watched, by one timer for all: a healthy one costs nothing. A
// reader that took nothing for a while is marked; marked, it may have no more than its spool; one that goes on so is lost.

import type { Clock, Timer } from '../lib/clock.ts'

/** A reader that is behind. */
export interface WatchedReader {
  /** Moves only when the reader takes something. Bytes; null: it is given nothing yet, and is not slow. */
  readonly takenBytes: number | null
  /** What waits for it in this process, in bytes; at 0 it is watched no longer. */
  readonly waitingBytes: number
  /** Nothing waits any more. */
  caughtUp(): void
  /** It is given up. The watch has forgotten it already. */
  lost(): void
}

/** When a reader is slow, and when it is lost. */
export interface SlowReadersOptions {
  readonly clock: Clock
  /** Taking nothing for so long loses the stream; milliseconds. */
  readonly slowReaderMs: number
  /** What may wait for a reader that is marked; more loses it at once. Bytes. */
  readonly spoolBytesMax: number
}

/** What is known of readers now, and how many were lost since the start. */
export interface SlowReadersState {
  readonly behind: number
  readonly slow: number
  readonly lost: number
  readonly spooledBytes: number
}

interface Watch {
  takenBytes: number | null
  since: number
  isSlow: boolean
}

const markMsMax = 30_000

/** The watch. Bounded by the streams there are: each is in it at most once and forgets itself when it closes. */
export class SlowReaders {
  readonly #options: SlowReadersOptions
  readonly #markMs: number
  readonly #watched = new Map<WatchedReader, Watch>()
  #timer: Timer | null = null
  #lost = 0

  constructor(options: SlowReadersOptions) {
    this.#options = options
    this.#markMs = Math.min(markMsMax, options.slowReaderMs / 4)
  }

  /** Watches a reader from now on, until everything is taken or `forget`. */
  watch(reader: WatchedReader): void {
    if (this.#watched.has(reader)) return
    const since = this.#options.clock.now()
    this.#watched.set(reader, { takenBytes: reader.takenBytes, since, isSlow: false })
    this.#schedule()
  }

  /** The stream has ended. */
  forget(reader: WatchedReader): void {
    if (!this.#watched.delete(reader) || this.#watched.size > 0) return
    this.#timer?.cancel()
    this.#timer = null
  }

  /** Gives a reader up, now. */
  giveUp(reader: WatchedReader): void {
    this.forget(reader)
    this.#lost += 1
    reader.lost()
  }

  inspect(): SlowReadersState {
    let slow = 0
    let spooledBytes = 0
    for (const [reader, { isSlow }] of this.#watched) {
      if (isSlow) slow += 1
      spooledBytes += reader.waitingBytes
    }
    return { behind: this.#watched.size, slow, lost: this.#lost, spooledBytes }
  }

  // Six looks before the mark: it is late by a sixth at most.
  #schedule(): void {
    this.#timer ??= this.#options.clock.after(this.#markMs / 6, () => {
      this.#timer = null
      for (const [reader, watch] of this.#watched) this.#look(reader, watch)
      if (this.#watched.size > 0) this.#schedule()
    })
  }

  #look(reader: WatchedReader, watch: Watch): void {
    const { clock, slowReaderMs, spoolBytesMax } = this.#options
    const { takenBytes, waitingBytes } = reader
    if (waitingBytes === 0) {
      this.forget(reader)
      reader.caughtUp()
      return
    }
    const now = clock.now()
    if (takenBytes === null || takenBytes !== watch.takenBytes) {
      watch.takenBytes = takenBytes
      watch.since = now
      watch.isSlow = false
      return
    }
    const idleMs = now - watch.since
    watch.isSlow = idleMs >= this.#markMs
    if (idleMs < slowReaderMs && !(watch.isSlow && waitingBytes > spoolBytesMax)) return
    this.giveUp(reader)
  }
}
