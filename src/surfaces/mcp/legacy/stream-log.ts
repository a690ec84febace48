// The events of one stream, numbered from 1, and whoever writes it: the holder, which takes up a new connection of the client's.

import type { ServerResponse } from 'node:http'

/** One event as it went out. */
export interface StoredEvent {
  readonly id: string
  readonly json: string
}

/** Takes a stream up again on `response`, after the event of that number. */
export type TakeUp = (response: ServerResponse, after: number) => void

/** Bounds the logs. */
export interface StreamLogOwner {
  appended(log: StreamLog, event: StoredEvent): void
  /** Nobody reads it now. */
  left(log: StreamLog): void
  /** Forget it. */
  drop(log: StreamLog): void
}

/** One stream's log. */
export class StreamLog {
  readonly name: string
  /** The session's key, its principal first. */
  readonly session: string
  takeUp: TakeUp | null = null
  /** Since when nobody reads it, in monotonic milliseconds; null while somebody does. */
  leftAt: number | null = null
  readonly #owner: StreamLogOwner
  #events: StoredEvent[] = []
  #count = 0
  #isDropped = false
  /** The number of the last event that had to make room. */
  #lost = 0

  constructor(name: string, session: string, owner: StreamLogOwner) {
    this.name = name
    this.session = session
    this.#owner = owner
  }

  /** The id of the priming event, before all others. */
  get firstId(): string {
    return `${this.name}.0`
  }

  /** Keeps an event that goes out now, or would if somebody read; answers its id. */
  append(json: string): string {
    this.#count += 1
    const id = `${this.name}.${this.#count}`
    if (!this.#isDropped) {
      const event = { id, json }
      this.#events.push(event)
      this.#owner.appended(this, event)
    }
    return id
  }

  /** The events after that number, without those that had to make room. */
  after(count: number): readonly StoredEvent[] {
    return this.#events.slice(Math.max(0, count - this.#lost))
  }

  /** Whether the last event is after that number and had to make room. */
  isEndLost(count: number): boolean {
    return count < this.#count && this.#events.length === 0
  }

  /** Forgets its events; answers how many characters that were. */
  empty(): number {
    let chars = 0
    for (const { json } of this.#events) chars += json.length
    this.#lost = this.#count
    this.#events = []
    return chars
  }

  /** Somebody reads it again. */
  taken(): void {
    this.leftAt = null
  }

  /** Nobody reads it: it can be taken up again for a while. */
  left(): void {
    this.#owner.left(this)
  }

  /** It is of no use any more: nothing is kept of it from now on. */
  drop(): void {
    if (this.#isDropped) return
    this.#owner.drop(this)
    this.#isDropped = true
    this.takeUp = null
  }
}
