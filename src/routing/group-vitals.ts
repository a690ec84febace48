// What is known of one quota group's health beyond its breaker: how fast its first part comes (a rise is believed at once, a fall
// slowly), and how often it answered 429 of late.

import type { Clock } from '../lib/clock.ts'

const latencyMemoryMs = 10_000
const limitedMemoryMs = 60_000
const limitedPenalty = 4

/** The vitals of one group. */
export class GroupVitals {
  readonly #clock: Clock
  #firstPartMs: number | null = null
  #firstPartAt = 0
  #limitedShare = 0
  #answeredAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The first part of an attempt came after `ms`. */
  observeFirstPart(ms: number): void {
    const now = this.#clock.now()
    if (this.#firstPartMs === null || ms >= this.#firstPartMs) {
      this.#firstPartMs = ms
    } else {
      const kept = Math.exp(-(now - this.#firstPartAt) / latencyMemoryMs)
      this.#firstPartMs = this.#firstPartMs * kept + ms * (1 - kept)
    }
    this.#firstPartAt = now
  }

  /** An attempt was answered; `isLimited`: with a 429. */
  observeAnswer(isLimited: boolean): void {
    const kept = this.#limitedKept() * 0.9
    this.#limitedShare = this.#limitedShare * kept + (isLimited ? 1 - kept : 0)
    this.#answeredAt = this.#clock.now()
  }

  /** Milliseconds to the first part as one should fear them; null: none was seen yet. */
  get firstPartMs(): number | null {
    return this.#firstPartMs
  }

  /** How many times its time to fear it for its recent 429s: from 1, seen none, to 5, seen nothing else. */
  get limitedFactor(): number {
    return 1 + limitedPenalty * this.#limitedShare * this.#limitedKept()
  }

  #limitedKept(): number {
    return Math.exp(-(this.#clock.now() - this.#answeredAt) / limitedMemoryMs)
  }
}
