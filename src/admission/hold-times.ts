// How long jobs of a group hold a slot: what has been seen, what is expected of each, and how much of what runs is still to come, both
// probably and at least.

import { MeanTime } from './mean-time.ts'
import type { Waiter } from './waiter.ts'

/**
 * The part of what its kind takes that a job takes at least, nine times of ten: times that are spread log-normally with sigma 1, as the
 * design's are, lie above exp(-0.5 - 1.28) of their mean so often. Not learned: whoever has shown only long jobs of a kind may have
 * short ones too.
 */
export const leastShare: number = 1 / 6

/** Times of one group, in milliseconds. */
export class HoldTimes {
  readonly #firstEstimateMs: number
  readonly #seen = new MeanTime()
  #running = 0
  #untilSum = 0
  /** Of those that run, the ones of which it is known what their kind takes. */
  #known = 0
  #knownMs = 0
  #knownSinceSum = 0
  #longestMs = 0

  /** `firstEstimateMs` is believed until a job has ended. */
  constructor(firstEstimateMs: number) {
    this.#firstEstimateMs = firstEstimateMs
  }

  /** Mean of the last jobs; null before the first has ended. */
  get meanMs(): number | null {
    return this.#seen.meanMs
  }

  /** Whether enough has been seen for those that wait to be counted by it. */
  get isSure(): boolean {
    return this.#seen.isSure
  }

  /** The longest that any job was expected to take, of those of which it is known. */
  get longestMs(): number {
    return this.#longestMs
  }

  /** What a job will probably take: what its kind takes first. */
  expectedMs(kindMs: number | undefined): number {
    return kindMs ?? this.meanMs ?? this.#firstEstimateMs
  }

  /** A job has come, of a kind that takes so long. */
  came(kindMs: number | undefined): void {
    this.#longestMs = Math.max(this.#longestMs, kindMs ?? 0)
  }

  /** A job has started. */
  started(waiter: Waiter, now: number): void {
    const { expectedMs } = waiter.request
    waiter.startedAt = now
    waiter.endsAt = now + this.expectedMs(expectedMs)
    this.#running++
    this.#untilSum += waiter.endsAt
    if (expectedMs === undefined) return
    this.#known++
    this.#knownMs += expectedMs
    this.#knownSinceSum += now
  }

  /** A job runs no more; answers how long it ran. Only one that was `served` tells something about the next. */
  stopped(waiter: Waiter, now: number, isServed: boolean): number {
    const heldMs = now - waiter.startedAt
    const { expectedMs } = waiter.request
    this.#running--
    if (expectedMs !== undefined) this.#known--
    // Sums of fractions drift: where nothing runs, nothing is left.
    this.#untilSum = this.#running === 0 ? 0 : this.#untilSum - waiter.endsAt
    this.#knownMs = this.#known === 0 ? 0 : this.#knownMs - (expectedMs ?? 0)
    this.#knownSinceSum =
      this.#known === 0 ? 0 : this.#knownSinceSum - (expectedMs === undefined ? 0 : waiter.startedAt)
    if (isServed) this.#seen.add(heldMs)
    return heldMs
  }

  /** Slot time that what runs will still take. */
  leftMs(now: number): number {
    const thoughtMs = Math.max(0, this.#untilSum - this.#running * now)
    const { meanMs } = this
    // Those that say nothing of themselves were thought of when less was known.
    return meanMs === null
      ? thoughtMs
      : Math.min(thoughtMs, this.#knownMs + (this.#running - this.#known) * meanMs)
  }

  /** The same at least: of those of which nothing is known, nothing. */
  leastLeftMs(now: number): number {
    return Math.max(0, this.#knownMs * leastShare + this.#knownSinceSum - this.#known * now)
  }
}
