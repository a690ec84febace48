// How long such a job takes, from those that were seen. One unusual job moves the mean little: the first few count by their median, and
// later ones by at most three times the mean.

/** The mean of the last jobs of one sort, in milliseconds. */
export class MeanTime {
  /** The first few, sorted. */
  readonly #first: number[] = []
  #meanMs: number | null = null

  /** Null before the first has ended. */
  get meanMs(): number | null {
    return this.#meanMs
  }

  /** Whether enough has been seen to go by it. */
  get isSure(): boolean {
    return this.#first.length >= firstMax
  }

  /** One more has ended. */
  add(tookMs: number): void {
    if (this.#meanMs !== null && this.isSure) {
      this.#meanMs = this.#meanMs * 0.8 + Math.min(tookMs, Math.max(3 * this.#meanMs, 1000)) * 0.2
      return
    }
    this.#first.push(tookMs)
    this.#first.sort((a, b) => a - b)
    // Of two in the middle the shorter: too little is put right when the job ends.
    this.#meanMs = this.#first[(this.#first.length - 1) >> 1] ?? tookMs
  }
}

// Two unusual ones among so many do not show.
const firstMax = 5
