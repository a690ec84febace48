// What was begun within the last minute, for a limit that no minute may ever exceed: a vendor counts so, and a bucket that
// fills while it is emptied would let twice the limit pass in one minute. Counted by the second, at most 61 of them, and
// each is forgotten a second late, so that what arrives early at the vendor is not too much there.

/** Some amount, taken in one second. */
export interface WindowDraw {
  readonly second: Second
  readonly amount: number
}

interface Second {
  readonly until: number
  amount: number
  isGone: boolean
}

/** One limit a minute. The caller brings monotonic milliseconds. */
export class MinuteWindow {
  readonly limit: number
  readonly #seconds: Second[] = []
  #sum = 0

  /** `limit` is above 0. */
  constructor(limit: number) {
    this.limit = limit
  }

  /** What counts at `now`. */
  used(now: number): number {
    this.#forget(now)
    return this.#sum
  }

  /** Milliseconds until `amount` fits if nobody else takes any; 0: now; null: never. */
  waitMs(amount: number, now: number): number | null {
    if (amount > this.limit) return null
    this.#forget(now)
    let over = this.#sum + amount - this.limit
    if (over <= 0) return 0
    for (const second of this.#seconds) {
      over -= second.amount
      if (over <= 0) return second.until - now
    }
    return 0
  }

  /** Milliseconds until `amount`, in pieces that fit, has passed at this pace. A forecast. */
  queueMs(amount: number, now: number): number {
    this.#forget(now)
    return (Math.max(0, this.#sum + amount - this.limit) * spanMs) / this.limit
  }

  /**
   * Milliseconds until the last of `amount` fits at the earliest, in whatever pieces: no minute takes more than the limit, so what is
   * over the last whole limits of it has passed when those begin.
   */
  leastMs(amount: number, now: number): number {
    const minutes = Math.max(0, Math.ceil(amount / this.limit) - 1)
    return (this.waitMs(amount - minutes * this.limit, now) ?? 0) + minutes * spanMs
  }

  /** Takes what `waitMs` said fits, or what was taken without asking. */
  take(amount: number, now: number): WindowDraw {
    this.#forget(now)
    const until = (Math.floor(now / secondMs) + 1) * secondMs + spanMs
    let second = this.#seconds.at(-1)
    if (second === undefined || second.until < until) {
      second = { until, amount: 0, isGone: false }
      this.#seconds.push(second)
    }
    second.amount += amount
    this.#sum += amount
    return { second, amount }
  }

  /** Replaces a draw by its true amount, in the second in which it was taken; one that is forgotten changes nothing. */
  settle({ second, amount }: WindowDraw, used: number): void {
    if (second.isGone) return
    second.amount += used - amount
    this.#sum += used - amount
  }

  #forget(now: number): void {
    for (;;) {
      const oldest = this.#seconds[0]
      if (oldest === undefined || oldest.until > now) break
      this.#seconds.shift()
      oldest.isGone = true
      this.#sum = this.#seconds.length === 0 ? 0 : this.#sum - oldest.amount
    }
  }
}

const secondMs = 1000
const spanMs = 60_000
