// What waits for one reader that is behind, or for its turn because it is long. Control and results wait in order and are never
// dropped; of progress only the newest of each call waits. Made when a reader first falls behind, so that a healthy one costs
// nothing. It writes when the loop says so and stops where the socket does not take it.
//
//        put(control) ──▶ ■ ■
//        put(result)  ──▶ ■ ■ ■ ■   ──▶ loop ──▶ sink (64 KiB on the way) ──▶ reader
//   putLatest(progress) ─▶ ■ per call

import type { Flow } from './flow.ts'
import type { FlushLane, Rank } from './flush-loop.ts'
import type { WatchedReader } from './slow-readers.ts'

/** The socket below a spool. */
export interface Sink {
  /** Whether a message may be written in parts: an event stream is bytes, a frame is whole. */
  readonly isDivisible: boolean
  /** Taken by the socket and not yet by the reader; bytes. */
  readonly bufferedBytes: number
  /** Moves only when the reader takes something; bytes. null: it is not this one's turn yet, and there is nothing to take. */
  readonly takenBytes: number | null
  /**
   * Hands on; false when the reader is behind, and then `drained` will be called. `onLeft`, of a whole message alone, is to be called once
   * that is with the kernel, or never will be.
   */
  write(part: string | Uint8Array, onLeft?: () => void): boolean
  /** Everything is written, and the end was asked for. */
  end(): void
  /** True: nothing new is to be asked of this connection; false: it may ask again. */
  hold(isHeld: boolean): void
  /** The reader is given up. Answers whom to tell of what was written last and is held back here, in order. */
  lost(): readonly (() => void)[]
}

interface Waiting {
  readonly data: string | Uint8Array
  readonly size: number
  /** How much of it is written. */
  at: number
  readonly onLost: (() => void) | null
  readonly onLeft: (() => void) | undefined
}

/** The spool of one reader. */
export class Spool implements FlushLane, WatchedReader {
  readonly #sink: Sink
  readonly #flow: Flow
  readonly #control: Waiting[] = []
  readonly #results: Waiting[] = []
  readonly #latest = new Map<object, Waiting>()
  /** Begun and not finished: nothing may come in between. */
  #begun: Waiting | null = null
  /** Written, but perhaps not yet taken. */
  #unconfirmed: (() => void)[] = []
  #bytes = 0
  #controlBytes = 0
  #isBlocked = false
  #isHeld = false
  #isEnding = false
  #isClosed = false

  constructor(sink: Sink, flow: Flow) {
    this.#sink = sink
    this.#flow = flow
  }

  /** Nothing waits, and the socket takes what it is given: whoever has little to say may write it at once. */
  get isClear(): boolean {
    return this.#bytes === 0 && !this.#isBlocked
  }

  get takenBytes(): number | null {
    return this.#sink.takenBytes
  }

  get waitingBytes(): number {
    return this.#bytes + this.#sink.bufferedBytes
  }

  /** Whether a result may be put: whoever has somewhere else to put it asks first, since one too many loses the reader. */
  get hasRoom(): boolean {
    return this.waitingBytes <= this.#flow.heldBytesMax
  }

  /**
   * Waits in its class, never dropped. `onLost` is called if the reader is given up before it took it; `onLeft`, where the sink is not
   * divisible, goes with it to the sink.
   */
  put(rank: 0 | 1, message: string, onLost: (() => void) | null = null, onLeft?: () => void): void {
    if (this.#isClosed) return
    const waiting = this.#toWaiting(message, onLost, onLeft)
    ;(rank === 0 ? this.#control : this.#results).push(waiting)
    this.#added(rank, waiting.size)
  }

  /** Waits in the place of what waits for the same call, where there is room. */
  putLatest(call: object, message: string): void {
    if (this.#isClosed || this.#isEnding) return
    this.dropLatest(call)
    if (!this.hasRoom) return
    const waiting = this.#toWaiting(message, null)
    this.#latest.set(call, waiting)
    this.#added(2, waiting.size)
  }

  /** A call has its result: its progress is worth nothing now. */
  dropLatest(call: object): void {
    const waiting = this.#latest.get(call)
    if (waiting === undefined || waiting === this.#begun) return
    this.#latest.delete(call)
    this.#bytes -= waiting.size
  }

  /** Something was written past the spool while it was clear; `onLost` as in `put`. The socket said it is behind. */
  blocked(onLost: (() => void) | null = null): void {
    this.#isBlocked = true
    this.behind(onLost)
  }

  /** Everything written has been taken. */
  caughtUp(): void {
    this.#unconfirmed = []
  }

  /** As `blocked`, where the socket would take more but the reader has not taken what it has. */
  behind(onLost: (() => void) | null = null): void {
    if (this.#isClosed) return
    if (onLost !== null) this.#unconfirmed.push(onLost)
    this.#flow.readers.watch(this)
  }

  /** The socket takes more. */
  drained(): void {
    if (this.#isClosed) return
    this.#isBlocked = false
    this.#unconfirmed = []
    this.#enlist()
    this.#checkHold()
  }

  /** The end follows what waits; progress does not count. */
  end(): void {
    this.#isEnding = true
    for (const call of [...this.#latest.keys()]) this.dropLatest(call)
    this.#endIfDone()
  }

  /** Releases everything: the socket is closed. */
  close(): void {
    this.#isClosed = true
    this.#flow.loop.leave(this)
    this.#flow.readers.forget(this)
    this.#control.length = 0
    this.#controlBytes = 0
    this.#results.length = 0
    this.#latest.clear()
    this.#begun = null
    this.#unconfirmed = []
    this.#bytes = 0
  }

  /** Whom to tell that they were not taken, in order: what waits and, unless the reader has read all `written`, what was. */
  untaken(written: 'read' | 'unread'): (() => void)[] {
    const waiting = [...this.#control, ...this.#results].flatMap(({ onLost }) => onLost ?? [])
    return written === 'read' ? waiting : [...this.#unconfirmed, ...waiting]
  }

  /** Gives the reader up: whoever asked to know is told, in order. */
  lost(): void {
    const untaken = this.untaken('unread')
    this.close()
    const heldBack = this.#sink.lost()
    for (const tell of [...untaken, ...heldBack]) tell()
  }

  isReady(rank: Rank): boolean {
    return !this.#isBlocked && this.#next(rank) !== null
  }

  flush(rank: Rank, bytes: number): number {
    let written = 0
    while (!this.#isBlocked) {
      const next = this.#next(rank)
      const left = bytes - written
      if (next === null || left <= 0) break
      if (!this.#sink.isDivisible && next.size > left) break
      written += this.#write(next, left)
    }
    this.#checkHold()
    this.#endIfDone()
    return written
  }

  #write(next: Waiting, bytesMax: number): number {
    const { data } = next
    let part = data
    if (typeof data !== 'string') part = data.subarray(next.at, next.at + bytesMax)
    const size = typeof part === 'string' ? next.size : part.length
    next.at += size
    this.#bytes -= size
    this.#begun = next
    if (next.at === next.size) {
      this.#begun = null
      this.#remove(next)
      if (next.onLost !== null) this.#unconfirmed.push(next.onLost)
    }
    if (!this.#sink.write(part, next.onLeft)) this.#isBlocked = true
    return size
  }

  #next(rank: Rank): Waiting | null {
    if (this.#begun !== null) return this.#begun
    if (rank === 0) return this.#control[0] ?? null
    if (rank === 1) return this.#results[0] ?? null
    return this.#latest.values().next().value ?? null
  }

  #remove(done: Waiting): void {
    if (this.#control[0] === done) {
      this.#control.shift()
      this.#controlBytes -= done.size
    } else if (this.#results[0] === done) this.#results.shift()
    else for (const [call, waiting] of this.#latest) if (waiting === done) this.#latest.delete(call)
  }

  #toWaiting(message: string, onLost: (() => void) | null, onLeft?: () => void): Waiting {
    const data = this.#sink.isDivisible ? Buffer.from(message) : message
    return { data, size: Buffer.byteLength(data), at: 0, onLost, onLeft }
  }

  #added(rank: Rank, size: number): void {
    // One message alone may be of any size: nobody is given up for being sent something long.
    const isTooMuch = !this.hasRoom && (rank !== 0 || this.#controlBytes > this.#flow.controlBytesMax)
    if (rank === 0) this.#controlBytes += size
    this.#bytes += size
    this.#flow.readers.watch(this)
    if (isTooMuch) {
      this.#flow.readers.giveUp(this)
      return
    }
    if (!this.#isBlocked) this.#flow.loop.enlist(this, rank)
    this.#checkHold()
  }

  #enlist(): void {
    if (this.#begun !== null || this.#control.length > 0) this.#flow.loop.enlist(this, 0)
    if (this.#results.length > 0) this.#flow.loop.enlist(this, 1)
    if (this.#latest.size > 0) this.#flow.loop.enlist(this, 2)
  }

  // Held at the window, released at half of it: a reader at the edge does not flutter.
  #checkHold(): void {
    const { creditBytes } = this.#flow
    const isHeld = this.waitingBytes > (this.#isHeld ? creditBytes / 2 : creditBytes)
    if (isHeld === this.#isHeld) return
    this.#isHeld = isHeld
    this.#sink.hold(isHeld)
  }

  #endIfDone(): void {
    if (this.#isEnding && !this.#isClosed && this.#bytes === 0) {
      this.#isEnding = false
      this.#sink.end()
    }
  }
}
