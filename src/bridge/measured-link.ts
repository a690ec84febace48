// A link that knows how large a message may be, and which was the largest it carried. A server that closes because of a message's
// size does not say which it was; of all that were sent the largest is certainly too large.

import type { Link } from './link.ts'
import type { RpcId } from './passing-message.ts'

/** A message that was sent, in bytes of UTF-8; `id` is null where it expects no answer. */
export interface CarriedMessage {
  readonly id: RpcId | null
  readonly bytes: number
}

/** One link and its largest message. */
export class MeasuredLink {
  readonly link: Link
  /** What the server takes in one message, in bytes; null: it has not said so. */
  bytesMax: number | null = null
  #largest: CarriedMessage = { id: null, bytes: 0 }

  constructor(link: Link) {
    this.link = link
  }

  /** The largest so far; of several the first. */
  get largest(): CarriedMessage {
    return this.#largest
  }

  /** The reader of what comes cannot keep up, or can again. */
  setPaused(isPaused: boolean): void {
    if (isPaused) this.link.pause()
    else this.link.resume()
  }

  /** Whether the server would refuse it, and the connection with it; `reserve`: bytes that may be added to it later. */
  isTooLarge(text: string, reserve: number = 0): boolean {
    return this.bytesMax !== null && Buffer.byteLength(text) + reserve > this.bytesMax
  }

  /** `id`: of a request of the client, who is to be told if it is too large. */
  send(text: string, id: RpcId | null = null): void {
    const bytes = Buffer.byteLength(text)
    if (bytes > this.#largest.bytes) this.#largest = { id, bytes }
    this.link.send(text)
  }
}
