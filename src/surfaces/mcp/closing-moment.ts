// When to close a connection whose client is to dial our successor. What a client writes while we close is begun by nobody, and a
// client without a bridge loses that call. So the moment is sought in which none is on its way:
//
//   an answer went out ─▶ rest: calls that follow one another have come by then, and a model has not yet said its next
//   nobody calls       ─▶ idle: a person thinks, or the window is forgotten
//   either             ─▶ ping ─▶ pong at once, nothing heard meanwhile ─▶ close
//                                 else the client is at work: rest again
//
// From `lateMs` on it closes as soon as nothing is under way. It asks nobody to wait: whatever comes is served until then.

import type { Clock, Timer } from '../../lib/clock.ts'

/** What it looks at, and what it does in the end. */
export interface ClosingMomentOptions {
  readonly clock: Clock
  readonly isBusy: () => boolean
  /** Calls back when the peer has answered: whatever it had written before is heard by then. */
  readonly probe: (onAnswer: () => void) => void
  readonly close: () => void
}

const restMs = 150
const idleMs = 3_000
/** A pong that takes longer comes from a client that is busy. */
const promptMs = 100
const lateMs = 10_000

/** Seeks the moment of one connection, and closes it then, once. */
export class ClosingMoment {
  readonly #options: ClosingMomentOptions
  readonly #hard: Timer
  #timer: Timer | null = null
  /** Messages heard; a probe during which it grew says nothing. */
  #heard = 0
  #isLate = false
  #isOver = false

  constructor(options: ClosingMomentOptions) {
    this.#options = options
    this.#hard = options.clock.after(lateMs, () => {
      this.#isLate = true
      if (!options.isBusy()) this.#close()
    })
    if (!options.isBusy()) this.#wait(idleMs)
  }

  /** The client has written something, and it is about to be taken. */
  heard(): void {
    this.#heard += 1
    // A notification is no call: no answer will follow it.
    if (!this.#isOver && !this.#options.isBusy()) this.#wait(idleMs)
  }

  /** The last thing under way has been answered. */
  rested(): void {
    if (this.#isLate) this.#close()
    else if (!this.#isOver) this.#wait(restMs)
  }

  /** The connection is gone. */
  stop(): void {
    this.#isOver = true
    this.#timer?.cancel()
    this.#hard.cancel()
  }

  #wait(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(delayMs, () => this.#probe())
  }

  #probe(): void {
    const { clock, isBusy, probe } = this.#options
    if (isBusy()) return
    const before = this.#heard
    const askedAt = clock.now()
    probe(() => {
      if (this.#isOver || isBusy() || this.#heard !== before) return
      if (clock.now() - askedAt > promptMs) this.#wait(restMs)
      else this.#close()
    })
  }

  #close(): void {
    if (this.#isOver) return
    this.stop()
    this.#options.close()
  }
}
