// What a vendor counts over time for one quota group: requests a minute, tokens a minute, tokens a day. Taken when a job
// starts, all or none. What is configured binds first; what the vendor says it still takes binds as well, since others may
// use the same account.

import type { VendorLimits } from '../domain/vendor-limits.ts'
import { fullBucket, type Rate, spend, toRate } from './gcra.ts'
import { type Begun, HeardLimits } from './heard-limits.ts'
import { MinuteWindow, type WindowDraw } from './minute-window.ts'

/** What the vendor allows; null: it does not count that, or nobody knows. */
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
  readonly minute: WindowDraw | null
  readonly day: number
  readonly begun: Begun
}

/** The daily counter, for a restart. */
export interface DayCount {
  /** Days since the epoch, UTC. */
  readonly day: number
  readonly tokens: number
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

/** The rates of one group. */
export class GroupRates {
  readonly #limits: GroupRateLimits
  readonly #pace: Rate | null
  readonly #requests: MinuteWindow | null
  readonly #tokens: MinuteWindow | null
  readonly #heard = new HeardLimits()
  readonly #onDayCount: (() => void) | undefined
  #arrival = fullBucket
  #day = 0
  #dayTokens = 0
  /** Tokens of draws that have not ended. */
  #open = 0

  /** `onDayCount` is told of every change of the day's count. */
  constructor(limits: GroupRateLimits, onDayCount?: () => void) {
    this.#limits = limits
    this.#onDayCount = onDayCount
    const { requestsPerMinute, tokensPerMinute } = limits
    this.#pace =
      requestsPerMinute === null ? null : toRate(requestsPerMinute, requestBurst(requestsPerMinute))
    this.#requests = requestsPerMinute === null ? null : new MinuteWindow(requestsPerMinute)
    this.#tokens = tokensPerMinute === null ? null : new MinuteWindow(tokensPerMinute)
  }

  /** Milliseconds until a job of so many tokens may start if nobody else does; 0: now; null: never. */
  waitMs(tokens: number, now: number, wallMs: number): number | null {
    return this.#waitMs(tokens, tokens, now, wallMs)
  }

  /** The same if what runs gave back all that it has set aside: sooner than that it cannot be. Infinite: never. */
  soonestMs(tokens: number, now: number, wallMs: number): number {
    const open = this.#limits.refundsTokens ? this.#open : 0
    return this.#waitMs(tokens, Math.max(0, tokens - open), now, wallMs) ?? Number.POSITIVE_INFINITY
  }

  /** Which rate such a job would wait for longest; null: the vendor's own word, or none. */
  scarce(tokens: number, now: number, wallMs: number): RateFact | null {
    const paceMs = this.#pace === null ? 0 : Math.max(0, -spend(this.#pace, this.#arrival, now))
    const waits = {
      'tokens a day': this.#dayWaitMs(tokens, wallMs) ?? 0,
      'tokens a minute': this.#tokens?.waitMs(tokens, now) ?? 0,
      'requests a minute': Math.max(paceMs, this.#requests?.waitMs(1, now) ?? 0),
    }
    const longestMs = Math.max(...Object.values(waits))
    if (longestMs === 0 || longestMs < this.#heard.waitMs(tokens, now)) return null
    const isScarce = ({ unit }: RateFact): boolean =>
      unit in waits && waits[unit as keyof typeof waits] === longestMs
    return this.facts(now, wallMs).find(isScarce) ?? null
  }

  /** Milliseconds until so many jobs, of so many tokens together, have passed at this pace. A forecast, no promise. */
  queueMs(jobs: number, tokens: number, now: number): number {
    const paceMs = this.#pace === null ? 0 : Math.max(0, -spend(this.#pace, this.#arrival, now, jobs))
    return Math.max(paceMs, this.#tokens?.queueMs(tokens, now) ?? 0)
  }

  /** Takes what `waitMs` said fits, or counts what was begun without asking. */
  take(tokens: number, now: number, wallMs: number): RateDraw {
    if (this.#pace !== null) this.#arrival = Math.max(this.#arrival, now) + this.#pace.intervalMs
    this.#requests?.take(1, now)
    this.#turnDay(wallMs)
    this.#countDay(tokens)
    this.#open += tokens
    const minute = this.#tokens?.take(tokens, now) ?? null
    return { tokens, minute, day: this.#day, begun: this.#heard.begin(tokens, now) }
  }

  /** Ends a draw: `tokens` were used. Only a request the vendor never began gives back what it refuses to refund. */
  settle(draw: RateDraw, tokens: number, isBegun: boolean): void {
    const counted = isBegun && !this.#limits.refundsTokens ? Math.max(tokens, draw.tokens) : tokens
    this.#open -= draw.tokens
    if (draw.minute !== null) this.#tokens?.settle(draw.minute, counted)
    if (draw.day === this.#day) this.#countDay(counted - draw.tokens)
  }

  /** What the vendor said with its answer to that draw's request. */
  hear(limits: VendorLimits, draw: RateDraw, now: number): void {
    this.#heard.hear(limits, draw.begun, now)
  }

  /** Whether a minute and the vendor's own word hold nothing back: forgetting them gives nothing away. The day's count is not asked. */
  isBlank(now: number): boolean {
    const counted = (this.#requests?.used(now) ?? 0) + (this.#tokens?.used(now) ?? 0)
    return counted === 0 && this.#heard.waitMs(1, now) === 0
  }

  /** What binds now, and what is left of it. */
  facts(now: number, wallMs: number): readonly RateFact[] {
    this.#turnDay(wallMs)
    const { tokensPerDay } = this.#limits
    const heard = this.#heard.facts(now)
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
    for (const unit of ['requests', 'tokens'] as const) {
      const fact = heard[unit]
      if (fact !== null) facts.push({ unit, ...fact, source: 'vendor' })
    }
    return facts
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

  // `counted`: what our own counts must have room for.
  #waitMs(tokens: number, counted: number, now: number, wallMs: number): number | null {
    const minuteMs = this.#tokens === null ? 0 : this.#tokens.waitMs(counted, now)
    const dayMs = this.#dayWaitMs(counted, wallMs)
    if (minuteMs === null || dayMs === null) return null
    const paceMs = this.#pace === null ? 0 : Math.max(0, -spend(this.#pace, this.#arrival, now))
    const requestMs = this.#requests?.waitMs(1, now) ?? 0
    return Math.max(paceMs, requestMs, minuteMs, dayMs, this.#heard.waitMs(tokens, now))
  }

  #dayWaitMs(tokens: number, wallMs: number): number | null {
    const { tokensPerDay } = this.#limits
    if (tokensPerDay === null) return 0
    if (tokens > tokensPerDay) return null
    this.#turnDay(wallMs)
    return this.#dayTokens + tokens <= tokensPerDay ? 0 : this.#dayEndsInMs(wallMs)
  }

  #countDay(tokens: number): void {
    if (this.#limits.tokensPerDay === null || tokens === 0) return
    this.#dayTokens += tokens
    this.#onDayCount?.()
  }

  #dayEndsInMs(wallMs: number): number {
    return (this.#day + 1) * dayMs - wallMs
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
