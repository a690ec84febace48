// What a vendor counts over time for one quota group: requests a minute, tokens a minute, tokens a day. Taken when a job
// starts, all or none.

import { fullBucket, type Rate, spend, toRate } from './gcra.ts'
import { type Draw, TokenBucket } from './token-bucket.ts'

/** What the vendor allows; null: it does not count that. */
export interface GroupRateLimits {
  readonly requestsPerMinute: number | null
  readonly tokensPerMinute: number | null
  /** Counted by the UTC day. */
  readonly tokensPerDay: number | null
  /** False where a vendor counts the requested cap, used or not (Kimi): nothing is given back at the end. */
  readonly refundsTokens: boolean
}

/** What one job took. */
export interface RateDraw {
  readonly tokens: number
  readonly minute: Draw | null
  readonly day: number
}

/** The daily counter, for a restart. */
export interface DayCount {
  /** Days since the epoch, UTC. */
  readonly day: number
  readonly tokens: number
}

/** The rates of one group. */
export class GroupRates {
  readonly #limits: GroupRateLimits
  readonly #requests: Rate | null
  readonly #minute: TokenBucket | null
  #arrival = fullBucket
  #day = 0
  #dayTokens = 0

  constructor(limits: GroupRateLimits) {
    this.#limits = limits
    const { requestsPerMinute, tokensPerMinute } = limits
    this.#requests =
      requestsPerMinute === null ? null : toRate(requestsPerMinute, requestBurst(requestsPerMinute))
    this.#minute = tokensPerMinute === null ? null : new TokenBucket(toRate(tokensPerMinute, tokensPerMinute))
  }

  /** Milliseconds until a job of so many tokens may start if nobody else does; 0: now; null: never. */
  waitMs(tokens: number, now: number, wallMs: number): number | null {
    const requestMs = this.#requests === null ? 0 : Math.max(0, -spend(this.#requests, this.#arrival, now))
    const minuteMs = this.#minute === null ? 0 : this.#minute.waitMs(tokens, now)
    const dayMs = this.#dayWaitMs(tokens, wallMs)
    return minuteMs === null || dayMs === null ? null : Math.max(requestMs, minuteMs, dayMs)
  }

  /** Milliseconds until so many jobs ahead and then one of `tokens` have passed, at this pace. A forecast, no promise. */
  queueMs(jobsAhead: number, tokens: number, now: number): number {
    const requestMs =
      this.#requests === null ? 0 : Math.max(0, -spend(this.#requests, this.#arrival, now, jobsAhead + 1))
    return Math.max(requestMs, this.#minute?.queueMs((jobsAhead + 1) * tokens, now) ?? 0)
  }

  /** Takes what `waitMs` said fits. */
  take(tokens: number, now: number, wallMs: number): RateDraw {
    if (this.#requests !== null) this.#arrival = spend(this.#requests, this.#arrival, now)
    this.#turnDay(wallMs)
    if (this.#limits.tokensPerDay !== null) this.#dayTokens += tokens
    return { tokens, minute: this.#minute?.take(tokens, now) ?? null, day: this.#day }
  }

  /** Ends a draw: `tokens` were used. Only a request the vendor never began gives back what it refuses to refund. */
  settle(draw: RateDraw, tokens: number, isBegun: boolean): void {
    const counted = isBegun && !this.#limits.refundsTokens ? Math.max(tokens, draw.tokens) : tokens
    if (draw.minute !== null) this.#minute?.settle(draw.minute, counted)
    const isCounted = this.#limits.tokensPerDay !== null && draw.day === this.#day
    if (isCounted) this.#dayTokens += counted - draw.tokens
  }

  /** The daily counter. */
  snapshot(): DayCount {
    return { day: this.#day, tokens: this.#dayTokens }
  }

  /** Takes up the counter of an earlier life. */
  restore({ day, tokens }: DayCount): void {
    this.#day = day
    this.#dayTokens = tokens
  }

  #dayWaitMs(tokens: number, wallMs: number): number | null {
    const { tokensPerDay } = this.#limits
    if (tokensPerDay === null) return 0
    if (tokens > tokensPerDay) return null
    this.#turnDay(wallMs)
    return this.#dayTokens + tokens <= tokensPerDay ? 0 : (this.#day + 1) * dayMs - wallMs
  }

  // A clock that jumps back never opens a new day.
  #turnDay(wallMs: number): void {
    const day = Math.floor(wallMs / dayMs)
    if (day <= this.#day) return
    this.#day = day
    this.#dayTokens = 0
  }
}

const dayMs = 86_400_000

// A tenth of a minute's requests at once: a burst of all of them would be followed by a minute of nothing.
function requestBurst(requestsPerMinute: number): number {
  return Math.max(1, Math.floor(requestsPerMinute / 10))
}
