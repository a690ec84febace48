// At most so many in any second: the times of the last ones, and no timer. Whoever may not go is told when to ask again.

import type { Clock } from '../lib/clock.ts'

/** A sliding window of a second. */
export class Pace {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #times: number[] = []

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#perSecond = perSecond
  }

  /** Milliseconds until the next may go; at 0 it may go now, and is counted. */
  take(): number {
    const now = this.#clock.now()
    const oldest = this.#times[0]
    if (oldest !== undefined && this.#times.length >= this.#perSecond) {
      const wait = oldest + 1_000 - now
      if (wait > 0) return wait
      this.#times.shift()
    }
    this.#times.push(now)
    return 0
  }
}
