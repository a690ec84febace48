// The stream logs of one session, or of one principal, and which of them makes room first: one whose request has been answered, then one
// that nobody reads, then any other; a session's own stream, which is its oldest and serves it longest, comes last.

import type { StreamLog } from './stream-log.ts'

/** Logs in the order they were opened, and the bytes they keep together. */
export class LogShelf {
  bytes = 0
  readonly #ended = new Set<StreamLog>()
  readonly #going = new Set<StreamLog>()

  get size(): number {
    return this.#ended.size + this.#going.size
  }

  [Symbol.iterator](): Iterator<StreamLog> {
    return this.#inOrder()
  }

  add(log: StreamLog): void {
    this.#going.add(log)
  }

  /** Its request has been answered. */
  end(log: StreamLog): void {
    if (this.#going.delete(log)) this.#ended.add(log)
  }

  delete(log: StreamLog): void {
    this.#ended.delete(log)
    this.#going.delete(log)
  }

  /** The log that a new one takes the place of; null where each one is still written or read. */
  spare(): StreamLog | null {
    for (const log of this.#inOrder()) return log.isEnded || (log.leftAt !== null && !log.isOwn) ? log : null
    return null
  }

  *#inOrder(): Generator<StreamLog> {
    yield* this.#ended
    for (const log of this.#going) if (!log.isOwn && log.leftAt !== null) yield log
    for (const log of this.#going) if (!log.isOwn && log.leftAt === null) yield log
    for (const log of this.#going) if (log.isOwn) yield log
  }
}
