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
  /** It keeps so many bytes more. */
  appended(log: StreamLog, bytes: number): void
  /** Nobody reads it now. */
  left(log: StreamLog): void
  /** Its request has been answered. */
  ended(log: StreamLog): void
  /** Forget it. */
  drop(log: StreamLog): void
}

// The engine keeps a character in one byte or in two, and tells nobody which. Two is the most it can be, and costs no look at the text,
// as its length in UTF-8 would; that can also be half of what is kept. The rest is the string's own head and its place in the list.
const bytesPerChar = 2
const bytesPerEvent = 32

/** One stream's log. */
export class StreamLog {
  readonly name: string
  /** The session's key, its principal first. */
  readonly session: string
  /** It is the session's own stream, beside its calls. */
  readonly isOwn: boolean
  takeUp: TakeUp | null = null
  /** Since when nobody reads it, in monotonic milliseconds; null while somebody does. */
  leftAt: number | null = null
  #isEnded = false
  readonly #owner: StreamLogOwner
  /** JSON alone: ids are as long as what they name, and follow from the place. */
  #events: string[] = []
  #bytes = 0
  #count = 0
  #isDropped = false
  /** The number of the last event that had to make room. */
  #lost = 0

  constructor(name: string, { session, isOwn }: Pick<StreamLog, 'session' | 'isOwn'>, owner: StreamLogOwner) {
    this.name = name
    this.session = session
    this.isOwn = isOwn
    this.#owner = owner
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** The id of the priming event, before all others. */
  get firstId(): string {
    return `${this.name}.0`
  }

  /** Keeps an event that goes out now, or would if somebody read; answers its id. */
  append(json: string): string {
    this.#count += 1
    if (!this.#isDropped) {
      const bytes = bytesPerEvent + json.length * bytesPerChar
      this.#events.push(json)
      this.#bytes += bytes
      this.#owner.appended(this, bytes)
    }
    return this.#idOf(this.#count)
  }

  /** The events after that number, without those that had to make room. */
  after(count: number): readonly StoredEvent[] {
    const from = Math.max(0, count - this.#lost)
    return this.#events.slice(from).map((json, at) => ({ id: this.#idOf(this.#lost + from + at + 1), json }))
  }

  /** Whether the last event is after that number and had to make room. */
  isEndLost(count: number): boolean {
    return count < this.#count && this.#events.length === 0
  }

  /** Forgets its events; answers how many bytes that were. */
  empty(): number {
    const bytes = this.#bytes
    this.#lost = this.#count
    this.#events = []
    this.#bytes = 0
    return bytes
  }

  /** Somebody reads it again. */
  taken(): void {
    this.leftAt = null
  }

  /** Nobody reads it: it can be taken up again for a while. */
  left(): void {
    this.#owner.left(this)
  }

  /** The answer is in it. Told, but perhaps not heard: it is kept as if nobody read it, and makes room before all others. */
  end(): void {
    this.#isEnded = true
    this.#owner.ended(this)
    this.left()
  }

  /** It is of no use any more: nothing is kept of it from now on. */
  drop(): void {
    if (this.#isDropped) return
    this.#owner.drop(this)
    this.#isDropped = true
    this.takeUp = null
  }

  #idOf(number: number): string {
    return `${this.name}.${number}`
  }
}
