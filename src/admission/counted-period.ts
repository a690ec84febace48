// Which count of a calendar period is the one in force, whatever the wall clock does. A step back takes nothing away: the count goes on
// under the period that it is now. A period it was for before begins, once time has brought it, with what the count was when the clock
// left it; a step of the clock there begins nothing. Any other period that comes begins a new count: that a clock was ahead once locks
// nobody out until the day it had then.

/** A period, by its number, for a restart. */
export interface PeriodMark {
  readonly period: number
  /** Others that the same count was for, where the clock was put back. */
  readonly also?: readonly number[] | undefined
  /** What the count was when the clock left each of these; absent: nobody wrote it down, and it may have been all. */
  readonly left?: readonly number[] | undefined
}

// A clock that is wrong is so once or twice.
const othersMax = 15
// A smaller step is no other clock.
const stepMs = 60_000

/** The periods of one count. */
export class CountedPeriod {
  #period: number
  /** What the count was in others that it is for too, when the clock left them. */
  readonly #left: Map<number, number>
  #count = 0
  /** The wall clock less the monotonic one when somebody looked last. */
  #offsetMs = Number.POSITIVE_INFINITY

  constructor({ period, also = [], left = [] }: PeriodMark = { period: 0 }) {
    this.#period = period
    this.#left = new Map(also.map((other, index) => [other, left[index] ?? Number.MAX_SAFE_INTEGER]))
  }

  /** The period it is. */
  get period(): number {
    return this.#period
  }

  /** Tells counts apart. */
  get count(): number {
    return this.#count
  }

  /**
   * What a new count begins with, now that it is this period; null: the one of `spent` goes on. `offsetMs` is the wall clock less the
   * monotonic one, and tells a step from time that has passed.
   */
  turnTo(period: number, spent: number, offsetMs: number): number | null {
    const isStep = offsetMs - this.#offsetMs > stepMs
    this.#offsetMs = offsetMs
    if (period === this.#period) return null
    const left = this.#left.get(period)
    if (period > this.#period && (left === undefined || !isStep)) {
      this.#count++
      this.#period = period
      for (const other of this.#left.keys())
        if (left === undefined || other <= period) this.#left.delete(other)
      return Math.min(left ?? 0, spent)
    }
    this.#left.delete(period)
    this.#left.set(this.#period, spent)
    this.#period = period
    const [oldest] = this.#left.keys()
    if (this.#left.size > othersMax && oldest !== undefined) this.#left.delete(oldest)
    return null
  }

  /** For a restart. */
  mark(): PeriodMark {
    if (this.#left.size === 0) return { period: this.#period }
    return { period: this.#period, also: [...this.#left.keys()], left: [...this.#left.values()] }
  }
}
