// What one owner may spend of one unit: over a calendar period in UTC, or at a rate. Amounts are integers, so that what is
// given back is exactly what was taken.

import type { Clock } from '../lib/clock.ts'
import { CountedPeriod, type PeriodMark } from './counted-period.ts'
import { toRate } from './gcra.ts'
import type { Quota } from './quota.ts'
import { type Draw, TokenBucket } from './token-bucket.ts'

/** One amount taken from one account; closed exactly once. */
export interface Claim {
  /** Replaces what was taken by what was used. A period that is over is not changed. */
  close(used: number): void
}

/** The state of an account for a restart; what is still reserved counts as spent. */
export type AccountState = PeriodState | RateState

interface PeriodState extends PeriodMark {
  readonly kind: 'period'
  readonly spent: number
}

interface RateState {
  readonly kind: 'rate'
  readonly fullAtWallMs: number
  /** What the clock said then; absent: nobody wrote it down. */
  readonly atWallMs?: number | undefined
}

/** One account. `waitMs` changes nothing. */
export interface QuotaAccount {
  /** Milliseconds until `amount` fits if nobody else takes any; 0: now; null: never. */
  waitMs(amount: number, limit: number): number | null
  /** Takes what `waitMs` said fits. */
  take(amount: number): Claim
  /** In use now, what is reserved included. */
  used(): number
  /** How much of that is only reserved; 0 where what is reserved comes back with time like what was used. */
  reserved(): number
  /** Milliseconds until nothing of it is in use, if nothing more is taken. */
  wholeInMs(): number
  /** True when forgetting it gives nothing away. */
  isEmpty(): boolean
  state(): AccountState
}

/** An account that begins anew with each calendar period. */
export class PeriodAccount implements QuotaAccount {
  readonly #clock: Clock
  readonly #period: 'day' | 'month'
  readonly #current: CountedPeriod
  #spent: number
  #reserved = 0
  /** Wall times between which nothing turns. */
  #beganAt = Number.POSITIVE_INFINITY
  #turnsAt = 0

  constructor(clock: Clock, period: 'day' | 'month', state: Omit<PeriodState, 'kind'> | null) {
    this.#clock = clock
    this.#period = period
    this.#current = new CountedPeriod(state ?? undefined)
    this.#spent = state?.spent ?? 0
  }

  waitMs(amount: number, limit: number): number | null {
    if (amount > limit) return null
    this.#turn()
    if (this.#spent + this.#reserved + amount <= limit) return 0
    return this.#leftMs()
  }

  take(amount: number): Claim {
    this.#turn()
    this.#reserved += amount
    const taken = this.#current.count
    return {
      close: (used) => {
        if (taken !== this.#current.count) return
        this.#reserved -= amount
        this.#spent += used
        this.#spent = Math.min(spentMax, this.#spent)
      },
    }
  }

  used(): number {
    this.#turn()
    return Math.min(spentMax, this.#spent + this.#reserved)
  }

  reserved(): number {
    this.#turn()
    return this.#reserved
  }

  wholeInMs(): number {
    return this.used() === 0 ? 0 : this.#leftMs()
  }

  isEmpty(): boolean {
    return this.used() === 0
  }

  state(): AccountState {
    // Asked first: it may turn.
    const spent = this.used()
    return { kind: 'period', ...this.#current.mark(), spent }
  }

  #leftMs(): number {
    return periodStart(this.#period, this.#current.period + 1) - this.#clock.wallMs()
  }

  #turn(): void {
    const wallMs = this.#clock.wallMs()
    const isSame = wallMs >= this.#beganAt && wallMs < this.#turnsAt
    const period = isSame ? this.#current.period : periodOf(this.#period, wallMs)
    const spent = Math.min(spentMax, this.#spent + this.#reserved)
    const begun = this.#current.turnTo(period, spent, wallMs - this.#clock.now())
    if (isSame) return
    this.#beganAt = periodStart(this.#period, period)
    this.#turnsAt = periodStart(this.#period, period + 1)
    if (begun === null) return
    this.#spent = begun
    this.#reserved = 0
  }
}

/** An account that fills steadily, `limit` a minute. */
export class RateAccount implements QuotaAccount {
  readonly #clock: Clock
  readonly #bucket: TokenBucket

  constructor(clock: Clock, limit: number, state: Omit<RateState, 'kind'> | null) {
    this.#clock = clock
    const arrival = state === null ? 0 : clock.now() + owedMs(state, clock.wallMs())
    this.#bucket = new TokenBucket(toRate(limit, limit), Math.max(0, arrival))
  }

  waitMs(amount: number, limit: number): number | null {
    if (limit !== this.#bucket.rate.limit) this.#bucket.rerate(toRate(limit, limit), this.#clock.now())
    return this.#bucket.waitMs(amount, this.#clock.now())
  }

  take(amount: number): Claim {
    const bucket = this.#bucket
    const draw: Draw = bucket.take(amount, this.#clock.now())
    return { close: (used) => bucket.settle(draw, used) }
  }

  used(): number {
    return this.#bucket.used(this.#clock.now())
  }

  reserved(): number {
    return 0
  }

  wholeInMs(): number {
    return Math.max(0, this.#bucket.arrival - this.#clock.now())
  }

  isEmpty(): boolean {
    return this.#bucket.open === 0 && this.#bucket.arrival <= this.#clock.now()
  }

  state(): AccountState {
    const atWallMs = this.#clock.wallMs()
    return { kind: 'rate', fullAtWallMs: atWallMs + this.wholeInMs(), atWallMs }
  }
}

/** Whether a state of an earlier life says nothing any more: its period is over, or it has filled up. */
export function isOver(state: AccountState, period: Quota['period'], wallMs: number): boolean {
  if (state.kind === 'rate') return state.fullAtWallMs <= wallMs
  if (period === 'minute') return false
  const now = periodOf(period, wallMs)
  return state.period < now && !state.also?.includes(now)
}

/** What the clock said at least when a state of an earlier life was written. */
export function writtenAtMs(state: AccountState, period: Quota['period']): number {
  if (state.kind === 'rate') return state.atWallMs ?? 0
  return period === 'minute' ? 0 : periodStart(period, state.period)
}

/** A state of an earlier life, whose clock may have been ahead, by the clock of this one: what was spent stays spent. */
export function byClock(state: AccountState, period: Quota['period'], wallMs: number): AccountState {
  if (state.kind === 'rate')
    return { ...state, fullAtWallMs: wallMs + owedMs(state, wallMs), atWallMs: wallMs }
  if (period === 'minute') return state
  const current = new CountedPeriod(state)
  const begun = current.turnTo(periodOf(period, wallMs), state.spent, 0)
  return { kind: 'period', ...current.mark(), spent: begun ?? state.spent }
}

// No more than it owed when that was written, or than a full burst where nobody wrote when: a clock that was ahead then says a time
// far away.
function owedMs(state: Omit<RateState, 'kind'>, wallMs: number): number {
  const { fullAtWallMs, atWallMs = fullAtWallMs - minuteMs } = state
  return Math.min(fullAtWallMs - wallMs, fullAtWallMs - atWallMs)
}

const minuteMs = 60_000
const dayMs = 86_400_000
// Whole numbers are exact up to here, and a state beyond it could not be read again.
const spentMax = Number.MAX_SAFE_INTEGER

function periodOf(period: 'day' | 'month', wallMs: number): number {
  if (period === 'day') return Math.floor(wallMs / dayMs)
  const date = new Date(wallMs)
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
}

function periodStart(period: 'day' | 'month', index: number): number {
  return period === 'day' ? index * dayMs : Date.UTC(1970, index)
}
