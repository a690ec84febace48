// How long jobs of a group hold a slot: what has been seen, what is expected, and how much of what runs is still to come. One
// unusual job moves the mean little: the first few count by their median, and later ones by at most three times the mean.

import type { Waiter } from './waiter.ts'

/** Times of one group, in milliseconds. */
export class HoldTimes {
  readonly #firstEstimateMs: number
  /** The first few, sorted. */
  readonly #first: number[] = []
  #meanMs: number | null = null
  #running = 0
  #untilSum = 0

  /** `firstEstimateMs` is believed until a job has ended. */
  constructor(firstEstimateMs: number) {
    this.#firstEstimateMs = firstEstimateMs
  }

  /** Mean of the last jobs; null before the first has ended. */
  get meanMs(): number | null {
    return this.#meanMs
  }

  /** Whether enough has been seen to refuse a job for it. */
  get isSure(): boolean {
    return this.#first.length >= firstMax
  }

  /** What a job will probably take: its own wish first. */
  expectedMs(wishMs: number | undefined): number {
    return wishMs ?? this.#meanMs ?? this.#firstEstimateMs
  }

  /** A job has started. */
  started(waiter: Waiter, now: number): void {
    waiter.startedAt = now
    waiter.endsAt = now + this.expectedMs(waiter.request.expectedMs)
    this.#running++
    this.#untilSum += waiter.endsAt
  }

  /** A job runs no more; answers how long it ran. Only one that was `served` tells something about the next. */
  stopped(waiter: Waiter, now: number, isServed: boolean): number {
    const heldMs = now - waiter.startedAt
    this.#running--
    this.#untilSum = this.#running === 0 ? 0 : this.#untilSum - waiter.endsAt
    if (isServed) this.#learn(heldMs)
    return heldMs
  }

  /** Slot time that what runs will still take. */
  leftMs(now: number): number {
    const thoughtMs = Math.max(0, this.#untilSum - this.#running * now)
    return this.#meanMs === null ? thoughtMs : Math.min(thoughtMs, this.#running * this.#meanMs)
  }

  #learn(heldMs: number): void {
    if (this.#meanMs !== null && this.isSure) {
      this.#meanMs = this.#meanMs * 0.8 + Math.min(heldMs, Math.max(3 * this.#meanMs, 1000)) * 0.2
      return
    }
    this.#first.push(heldMs)
    this.#first.sort((a, b) => a - b)
    // Of two in the middle the shorter: a guess must not refuse what fits.
    this.#meanMs = this.#first[(this.#first.length - 1) >> 1] ?? heldMs
  }
}

// Two unusual ones among so many do not show.
const firstMax = 5
