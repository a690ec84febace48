// Which count of a calendar period is the one in force, whatever the wall clock does. A step back takes nothing away: the count goes on
// under the period that it is now, and stays that of the periods it was for before, should the clock return there. Any other period that
// comes begins a new count: that a clock was ahead once locks nobody out until the day it had then.

/** A period, by its number, for a restart. */
export interface PeriodMark {
  readonly period: number
  /** Others that the same count was for, where the clock was put back. */
  readonly also?: readonly number[] | undefined
}

// A clock that is wrong is so once or twice.
const periodsMax = 16

/** The periods of one count. */
export class CountedPeriod {
  #period: number
  /** All that this count was for, the one it is now the last. */
  readonly #all: Set<number>
  #count = 0

  constructor({ period, also = [] }: PeriodMark = { period: 0 }) {
    this.#period = period
    this.#all = new Set([...also, period])
  }

  /** The period it is. */
  get period(): number {
    return this.#period
  }

  /** Tells counts apart. */
  get count(): number {
    return this.#count
  }

  /** Whether a new count begins, now that it is this period. */
  turnTo(period: number): boolean {
    const isNew = period > this.#period && !this.#all.has(period)
    if (isNew) {
      this.#count++
      this.#all.clear()
    }
    this.#period = period
    this.#all.delete(period)
    this.#all.add(period)
    const [oldest] = this.#all
    if (this.#all.size > periodsMax && oldest !== undefined) this.#all.delete(oldest)
    return isNew
  }

  /** For a restart. */
  mark(): PeriodMark {
    const also = [...this.#all].slice(0, -1)
    return also.length === 0 ? { period: this.#period } : { period: this.#period, also }
  }
}
