// What a WebSocket's peer has sent of a message that is not whole: `ws` keeps it and tells nobody how much it is. So what comes is
// counted, and what is heard is taken off. Listens behind `ws`, which has told of every message in a read when the read is counted.

import type { Duplex } from 'node:stream'
import type { PartialBody } from './partial-bodies.ts'

/** The count of one connection. `onRefused` is told once that there is no room, in a sentence. */
export class UnfinishedFrames {
  readonly #open: () => PartialBody
  readonly #onRefused: (why: string) => void
  #partial: PartialBody | null = null
  #seenBytes = 0
  /** Of these, what was heard. Never more than that: in pieces a message has more heads than we know of. */
  #heardBytes = 0
  #parts = 0
  #isRefused = false

  constructor(stream: Duplex, open: () => PartialBody, onRefused: (why: string) => void) {
    this.#open = open
    this.#onRefused = onRefused
    stream.on('data', this.#count)
  }

  /** A whole message was heard: what came before this read was its, or older. */
  heard(bytes: number): void {
    this.#heardBytes = Math.max(this.#heardBytes + frameBytes(bytes), this.#seenBytes)
    this.#parts = 0
  }

  /** A ping or pong was heard, perhaps in the middle of a message. */
  heardControl(bytes: number): void {
    this.#heardBytes += frameBytes(bytes)
  }

  /** The connection is closed. */
  close(): void {
    this.#isRefused = true
    this.#partial?.release()
  }

  readonly #count = (chunk: Buffer): void => {
    this.#seenBytes += chunk.length
    if (this.#isRefused) return
    const bytes = this.#seenBytes - this.#heardBytes
    if (bytes === 0) {
      this.#partial?.release()
      return
    }
    this.#parts += 1
    this.#partial ??= this.#open()
    const why = this.#partial.hold(bytes, this.#parts)
    if (why === null) return
    this.#isRefused = true
    this.#onRefused(why)
  }
}

// Kind, length and mask, then the bytes. Source: RFC 6455, 5.2.
function frameBytes(bytes: number): number {
  const headBytes = bytes <= 125 ? 6 : bytes <= 65_535 ? 8 : 14
  return headBytes + bytes
}
