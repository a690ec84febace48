// Messages that wait for a connection: few, small, and not for long. Each leaves exactly once: taken, removed, or expired.

import type { Clock, Timer } from '../lib/clock.ts'
import { idKey, type RpcId } from './passing-message.ts'

/** A message that waits; `id` is null for what needs no answer. */
export interface WaitingMessage {
  readonly id: RpcId | null
  readonly text: string
  /** How many times it has been sent; not counted where it was not begun. */
  readonly sendings: number
  /** How many times it has waited before; absent: never. */
  readonly waits?: number
  /** Set where it has been sent before: it may go to the process that can recognise it, and to no other. */
  readonly resend?: Resend
}

/** What a message that is sent again must know of its first sending. */
export interface Resend {
  /** The server process that may have seen it. */
  readonly instance: string
  /** When it was sent first, by the wall: a machine that sleeps stops the other clock. */
  readonly sentAtMs: number
  /** It was cancelled meanwhile: what to send after it. */
  readonly cancelText: string | null
}

/** Bounds of the outbox: messages, bytes of UTF-8, milliseconds. */
export interface OutboxLimits {
  readonly messagesMax: number
  readonly bytesMax: number
  readonly waitMs: number
}

/** What becomes of messages. */
interface OutboxEvents {
  onWaiting(message: WaitingMessage): void
  /** It has waited in vain. */
  onExpired(message: WaitingMessage): void
}

interface Place {
  readonly timer: Timer
  readonly bytes: number
}

/** First come, first served; bounded in number, size and time. */
export class Outbox {
  readonly #clock: Clock
  readonly #limits: OutboxLimits
  readonly #events: OutboxEvents
  readonly #waiting: Map<WaitingMessage, Place> = new Map()
  #bytes = 0

  constructor(clock: Clock, limits: OutboxLimits, events: OutboxEvents) {
    this.#clock = clock
    this.#limits = limits
    this.#events = events
  }

  /** Messages that wait. */
  get size(): number {
    return this.#waiting.size
  }

  /** Lets a message wait; false when there is no room. */
  add(message: WaitingMessage): boolean {
    const { messagesMax, bytesMax, waitMs } = this.#limits
    const bytes = Buffer.byteLength(message.text)
    if (this.#waiting.size >= messagesMax || this.#bytes + bytes > bytesMax) return false
    const timer = this.#clock.after(waitMs, () => {
      if (this.#drop(message)) this.#events.onExpired(message)
    })
    this.#waiting.set(message, { timer, bytes })
    this.#bytes += bytes
    this.#events.onWaiting(message)
    return true
  }

  /** Takes the oldest. */
  take(): WaitingMessage | null {
    const [message] = this.#waiting.keys()
    if (message === undefined) return null
    this.#drop(message)
    return message
  }

  /**
   * Takes a request back, by its id; false when it does not wait here. One that may be running at the server waits on, to be
   * taken up again only to be cancelled with `text`.
   */
  cancel(id: RpcId, text: string): boolean {
    for (const message of this.#waiting.keys()) {
      if (message.id === null || idKey(message.id) !== idKey(id)) continue
      const { resend } = message
      this.#drop(message)
      if (resend !== undefined) this.add({ ...message, id: null, resend: { ...resend, cancelText: text } })
      return true
    }
    return false
  }

  /** Takes what has been sent before: the process that could recognise it is gone. */
  takeResends(): readonly WaitingMessage[] {
    return this.#takeAll(({ resend }) => resend !== undefined)
  }

  /** Takes everything that wants an answer. */
  takeRequests(): readonly WaitingMessage[] {
    return this.#takeAll(({ id }) => id !== null)
  }

  /** Drops everything without a word. */
  clear(): void {
    for (const message of [...this.#waiting.keys()]) this.#drop(message)
  }

  #takeAll(isMeant: (message: WaitingMessage) => boolean): readonly WaitingMessage[] {
    const taken = [...this.#waiting.keys()].filter(isMeant)
    for (const message of taken) this.#drop(message)
    return taken
  }

  #drop(message: WaitingMessage): boolean {
    const place = this.#waiting.get(message)
    if (place === undefined) return false
    place.timer.cancel()
    this.#waiting.delete(message)
    this.#bytes -= place.bytes
    return true
  }
}
