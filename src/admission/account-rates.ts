// What is configured of an account's rates: requests a minute, tokens a minute, tokens a day. One count for the whole account,
// whatever models its groups are for: a model more is not a minute more. It promises that in no minute more is begun than
// `waitMs` lets go; who goes first where several groups wait is `rates-line.ts`'s.

import { CountedPeriod } from './counted-period.ts'
import { fullBucket, type Rate, spend, toRate } from './gcra.ts'
import { MinuteWindow, type WindowDraw } from './minute-window.ts'

/** What an account allows; null: nobody counts that, or nobody knows. */
export interface AccountRateLimits {
  readonly requestsPerMinute: number | null
  readonly tokensPerMinute: number | null
  /** Counted by the UTC day. */
  readonly tokensPerDay: number | null
  /** False where a vendor counts the requested cap, used or not (Kimi): nothing is given back at the end. */
  readonly refundsTokens: boolean
}

/** What one request took of its account. */
export interface AccountDraw {
  readonly tokens: number
  readonly minute: WindowDraw | null
  /** Of which count of a day it is. */
  readonly count: number
}

/** The daily counter, for a restart. */
export interface DayCount {
  /** Days since the epoch, UTC. */
  readonly day: number
  readonly tokens: number
  /** Other days that the same count was for, where the clock was put back. */
  readonly also?: readonly number[] | undefined
  /** What it was when the clock left each of these. */
  readonly left?: readonly number[] | undefined
}

/** One rate, for people. */
export interface RateFact {
  readonly unit: 'requests a minute' | 'tokens a minute' | 'tokens a day' | 'requests' | 'tokens'
  readonly limit: number | null
  readonly remaining: number
  /** Milliseconds until it takes more than `remaining`; null where that comes bit by bit. */
  readonly resetMs: number | null
  readonly source: 'configured' | 'vendor'
}

/** The configured rates of one account. */
export class AccountRates {
  readonly limits: AccountRateLimits
  readonly #pace: Rate | null
  readonly #requests: MinuteWindow | null
  readonly #tokens: MinuteWindow | null
  readonly #onDayCount: (() => void) | undefined
  #arrival = fullBucket
  #day = new CountedPeriod()
  #dayTokens = 0
  /** Tokens of draws that have not ended. */
  #open = 0

  /** `onDayCount` is told of every change of the day's count. */
  constructor(limits: AccountRateLimits, onDayCount?: () => void) {
    this.limits = limits
    this.#onDayCount = onDayCount
    const { requestsPerMinute, tokensPerMinute } = limits
    this.#pace =
      requestsPerMinute === null ? null : toRate(requestsPerMinute, requestBurst(requestsPerMinute))
    this.#requests = requestsPerMinute === null ? null : new MinuteWindow(requestsPerMinute)
    this.#tokens = tokensPerMinute === null ? null : new MinuteWindow(tokensPerMinute)
  }

  /** Milliseconds until a job of so many tokens may start if nobody else does; 0: now; null: never. */
  waitMs(tokens: number, now: number, wallMs: number): number | null {
    const minuteMs = this.#tokens === null ? 0 : this.#tokens.waitMs(tokens, now)
    const dayMs = this.#dayWaitMs(tokens, now, wallMs)
    if (minuteMs === null || dayMs === null) return null
    return Math.max(this.#requestsMs(now), minuteMs, dayMs)
  }

  /** The same if what runs gave back all that it has set aside: sooner than that it cannot be. */
  soonestMs(tokens: number, now: number, wallMs: number): number | null {
    const open = this.limits.refundsTokens ? this.#open : 0
    return this.waitMs(tokens - open, now, wallMs)
  }

  /** How long each rate would hold such a job back, in milliseconds; 0 too where it never fits. */
  waits(tokens: number, now: number, wallMs: number): Readonly<Record<CountedUnit, number>> {
    return {
      'tokens a day': this.#dayWaitMs(tokens, now, wallMs) ?? 0,
      'tokens a minute': this.#tokens?.waitMs(tokens, now) ?? 0,
      'requests a minute': this.#requestsMs(now),
    }
  }

  /** Milliseconds until so many jobs, of so many tokens together, have passed at this pace. A forecast, no promise. */
  queueMs(jobs: number, tokens: number, now: number): number {
    return Math.max(this.#paceMs(now, jobs), this.#tokens?.queueMs(tokens, now) ?? 0)
  }

  /** The same at the earliest. What is given back is room for the next: then only the pace of requests is certain. */
  leastQueueMs(jobs: number, tokens: number, now: number): number {
    const tokensMs = this.limits.refundsTokens ? 0 : (this.#tokens?.leastMs(tokens, now) ?? 0)
    return Math.max(this.#paceMs(now, jobs), tokensMs)
  }

  /** Which part of a minute, or of a day, such a request takes: of the rate of which it takes most. 0 where nothing is counted. */
  partOf(tokens: number): number {
    const { requestsPerMinute, tokensPerMinute, tokensPerDay } = this.limits
    const part = (amount: number, limit: number | null): number => (limit === null ? 0 : amount / limit)
    return Math.max(part(1, requestsPerMinute), part(tokens, tokensPerMinute), part(tokens, tokensPerDay))
  }

  /** Takes what `waitMs` said fits, or counts what was begun without asking. */
  take(tokens: number, now: number, wallMs: number): AccountDraw {
    if (this.#pace !== null) this.#arrival = Math.max(this.#arrival, now) + this.#pace.intervalMs
    this.#requests?.take(1, now)
    this.#turnDay(now, wallMs)
    this.#countDay(tokens)
    this.#open += tokens
    return { tokens, minute: this.#tokens?.take(tokens, now) ?? null, count: this.#day.count }
  }

  /**
   * Ends a draw: `tokens` were used. Only a request the vendor never began gives back what it refuses to refund. Answers how many count.
   */
  settle(draw: AccountDraw, tokens: number, isBegun: boolean): number {
    const counted = isBegun && !this.limits.refundsTokens ? Math.max(tokens, draw.tokens) : tokens
    this.#open -= draw.tokens
    if (draw.minute !== null) this.#tokens?.settle(draw.minute, counted)
    if (draw.count === this.#day.count) this.#countDay(counted - draw.tokens)
    return counted
  }

  /** Whether anything is counted. */
  get isCounted(): boolean {
    const { requestsPerMinute, tokensPerMinute, tokensPerDay } = this.limits
    return requestsPerMinute !== null || tokensPerMinute !== null || tokensPerDay !== null
  }

  /** What is left of each. */
  facts(now: number, wallMs: number): readonly RateFact[] {
    this.#turnDay(now, wallMs)
    const { tokensPerDay } = this.limits
    const windows = [
      { unit: 'requests a minute', window: this.#requests },
      { unit: 'tokens a minute', window: this.#tokens },
    ] as const
    const facts: RateFact[] = windows.flatMap(({ unit, window }) => {
      if (window === null) return []
      const { limit } = window
      const remaining = Math.max(0, Math.floor(limit - window.used(now)))
      return [{ unit, limit, remaining, resetMs: null, source: 'configured' }]
    })
    if (tokensPerDay !== null) {
      facts.push({
        unit: 'tokens a day',
        limit: tokensPerDay,
        remaining: Math.max(0, tokensPerDay - this.#dayTokens),
        resetMs: this.#dayEndsInMs(wallMs),
        source: 'configured',
      })
    }
    return facts
  }

  /** The daily counter. */
  snapshot(): DayCount {
    const { period, ...also } = this.#day.mark()
    return { day: period, tokens: this.#dayTokens, ...also }
  }

  /** Takes up the counter of an earlier life, by the clock of this one. */
  restore({ day, tokens, also, left }: DayCount, now: number, wallMs: number): void {
    this.#day = new CountedPeriod({ period: day, also, left })
    this.#dayTokens = tokens
    this.#turnDay(now, wallMs)
  }

  #requestsMs(now: number): number {
    return Math.max(this.#paceMs(now), this.#requests?.waitMs(1, now) ?? 0)
  }

  #paceMs(now: number, jobs = 1): number {
    return this.#pace === null ? 0 : Math.max(0, -spend(this.#pace, this.#arrival, now, jobs))
  }

  #dayWaitMs(tokens: number, now: number, wallMs: number): number | null {
    const { tokensPerDay } = this.limits
    if (tokensPerDay === null) return 0
    if (tokens > tokensPerDay) return null
    this.#turnDay(now, wallMs)
    return this.#dayTokens + tokens <= tokensPerDay ? 0 : this.#dayEndsInMs(wallMs)
  }

  #countDay(tokens: number): void {
    if (this.limits.tokensPerDay === null || tokens === 0) return
    this.#dayTokens += tokens
    this.#onDayCount?.()
  }

  #dayEndsInMs(wallMs: number): number {
    return (this.#day.period + 1) * dayMs - wallMs
  }

  #turnDay(now: number, wallMs: number): void {
    this.#dayTokens =
      this.#day.turnTo(Math.floor(wallMs / dayMs), this.#dayTokens, wallMs - now) ?? this.#dayTokens
  }
}

type CountedUnit = 'requests a minute' | 'tokens a minute' | 'tokens a day'

const dayMs = 86_400_000

// A tenth of a minute's requests at once: a burst of all of them would be followed by a minute of nothing.
function requestBurst(requestsPerMinute: number): number {
  return Math.max(1, Math.floor(requestsPerMinute / 10))
}
