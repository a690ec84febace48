// The one stream that a session has beside its calls. It outlives its connection for a while: what happens meanwhile is kept, and
// a client that comes back with the id of the last event it has gets what it missed.

import type { ServerResponse } from 'node:http'
import type { Clock } from '../../../lib/clock.ts'
import type { Flow } from '../../../streams/flow.ts'
import { type EventStream, openEventStream } from '../../../transport/sse.ts'
import { whenClosed } from '../../../transport/when-closed.ts'
import type { StreamLog } from './stream-log.ts'

/** What it is made of. */
export interface SessionStreamOptions {
  readonly clock: Clock
  readonly flow: Flow
  /** null for clients whose revision knows no empty event: they cannot come back to it. */
  readonly log: StreamLog | null
  /** The connection is gone. */
  onClosed(stream: SessionStream): void
}

/** How soon a client whose connection broke should come back, in milliseconds. */
export const retryMs = 1_000

/** A session's own stream. */
export class SessionStream {
  readonly #options: SessionStreamOptions
  /** null once its connection has gone: nothing of that stays in memory. */
  #stream: EventStream | null

  constructor(response: ServerResponse, options: SessionStreamOptions) {
    this.#options = options
    const { log } = options
    this.#stream = this.#open(response)
    if (log === null) return
    this.#stream.prime(log.firstId, retryMs)
    log.takeUp = (next, after) => {
      this.#stream?.end()
      const stream = this.#open(next)
      this.#stream = stream
      log.taken()
      // What had to make room is gone: the client goes on with what there is.
      for (const { id, json } of log.after(after)) stream.send(json, id)
    }
  }

  get isOpen(): boolean {
    return this.#stream?.isOpen === true
  }

  /** A message that must arrive; false when nobody reads now. */
  send(json: string): boolean {
    if (this.#stream?.isOpen !== true) return false
    this.#stream.send(json, this.#options.log?.append(json))
    return true
  }

  /** A message that may be lost; whoever comes back soon gets it all the same. */
  sendDroppable(json: string): void {
    const id = this.#options.log?.append(json)
    this.#stream?.sendDroppable(json, id)
  }

  /** Ends the connection. */
  end(): void {
    this.#stream?.end()
  }

  /** Ends it for good: another one has taken its place. */
  drop(): void {
    this.#options.log?.drop()
    this.#stream?.end()
  }

  #open(response: ServerResponse): EventStream {
    const { clock, flow } = this.#options
    const stream = openEventStream(response, { clock, flow })
    whenClosed(response, () => {
      if (this.#stream !== stream) return
      this.#stream = null
      this.#options.log?.left()
      this.#options.onClosed(this)
    })
    return stream
  }
}
