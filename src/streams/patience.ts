// How long somebody still waits: one lazy timer for a limit that is renewed thousands of times a second. Renewing costs an
// assignment; the timer is moved only when it fires too early. It does not say what happens when patience ends.

import type { Clock, Timer } from '../lib/clock.ts'

/** Runs `onExhausted` once when a wait outlasts its limit. `subject` is handed through, for the message. */
export class Patience implements Disposable {
  readonly #clock: Clock
  readonly #onExhausted: (limitMs: number, subject: string) => void
  #timer: Timer | null = null
  #firesAt = 0
  #deadline: number | null = null
  #limitMs = 0
  #subject = ''

  constructor(clock: Clock, onExhausted: (limitMs: number, subject: string) => void) {
    this.#clock = clock
    this.#onExhausted = onExhausted
  }

  /** Starts the wait anew: from now on at most `limitMs` milliseconds until the next `wait` or `rest`. */
  wait(limitMs: number, subject: string): void {
    this.#limitMs = limitMs
    this.#subject = subject
    this.#deadline = this.#clock.now() + limitMs
    if (this.#timer === null || this.#firesAt > this.#deadline) this.#arm(limitMs)
  }

  /** Nobody waits: time that our own reader takes is not the sender's silence. */
  rest(): void {
    this.#deadline = null
  }

  [Symbol.dispose](): void {
    this.#deadline = null
    this.#timer?.cancel()
    this.#timer = null
  }

  #arm(delayMs: number): void {
    this.#timer?.cancel()
    this.#firesAt = this.#clock.now() + delayMs
    this.#timer = this.#clock.after(delayMs, () => {
      this.#timer = null
      if (this.#deadline === null) return
      const left = this.#deadline - this.#clock.now()
      if (left > 0) return this.#arm(Math.ceil(left))
      this.#deadline = null
      this.#onExhausted(this.#limitMs, this.#subject)
    })
  }
}
