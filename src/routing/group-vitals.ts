// What is known of one quota group's health beyond its breaker: how fast its first part comes (a rise is believed at once, a fall
// slowly), how often it answered 429 of late, and how far it may be used again after a recovery.

import type { Clock } from '../lib/clock.ts'

const latencyMemoryMs = 10_000
const limitedMemoryMs = 60_000
const limitedPenalty = 4
const costMsUnknown = 1_000
const rampSteps: readonly number[] = [0.1, 0.25, 0.5, 1]
const rampStepMs = 15_000

/** The vitals of one group. */
export class GroupVitals {
  readonly #clock: Clock
  #firstPartMs: number | null = null
  #firstPartAt = 0
  #limitedShare = 0
  #answeredAt = 0
  #recoveredAt: number | null = null

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

  /** It came back from a fault. */
  recovered(): void {
    this.#recoveredAt = this.#clock.now()
  }

  /** The share of a model's jobs it may get now: 0.1, 0.25, 0.5, then 1. */
  get rampShare(): number {
    if (this.#recoveredAt === null) return 1
    const step = Math.floor((this.#clock.now() - this.#recoveredAt) / rampStepMs)
    return rampSteps[step] ?? 1
  }

  /** Milliseconds to the first part as one should fear them, raised by recent 429s. */
  get cost(): number {
    return (
      (this.#firstPartMs ?? costMsUnknown) * (1 + limitedPenalty * this.#limitedShare * this.#limitedKept())
    )
  }

  #limitedKept(): number {
    return Math.exp(-(this.#clock.now() - this.#answeredAt) / limitedMemoryMs)
  }
}
