// What one owner may spend of one unit: over a calendar period in UTC, or at a rate. Amounts are integers, so that what is
// given back is exactly what was taken.

import type { Clock } from '../lib/clock.ts'
import { toRate } from './gcra.ts'
import type { Quota } from './quota.ts'
import { type Draw, TokenBucket } from './token-bucket.ts'

/** One amount taken from one account; closed exactly once. */
export interface Claim {
  /** Replaces what was taken by what was used. A period that is over is not changed. */
  close(used: number): void
}

/** The state of an account for a restart; what is still reserved counts as spent. */
export type AccountState =
  | { readonly kind: 'period'; readonly period: number; readonly spent: number }
  | { readonly kind: 'rate'; readonly fullAtWallMs: number }

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
  #current: number
  #spent: number
  #reserved = 0
  /** Wall time before which nothing turns. */
  #turnsAt = 0

  constructor(clock: Clock, period: 'day' | 'month', state: { period: number; spent: number } | null) {
    this.#clock = clock
    this.#period = period
    this.#current = state?.period ?? 0
    this.#spent = state?.spent ?? 0
  }

  waitMs(amount: number, limit: number): number | null {
    if (amount > limit) return null
    this.#turn()
    if (this.#spent + this.#reserved + amount <= limit) return 0
    return periodStart(this.#period, this.#current + 1) - this.#clock.wallMs()
  }

  take(amount: number): Claim {
    this.#turn()
    this.#reserved += amount
    const taken = this.#current
    return {
      close: (used) => {
        if (taken !== this.#current) return
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
    if (this.used() === 0) return 0
    return periodStart(this.#period, this.#current + 1) - this.#clock.wallMs()
  }

  isEmpty(): boolean {
    return this.used() === 0
  }

  state(): AccountState {
    return { kind: 'period', period: this.#current, spent: this.used() }
  }

  // A clock that jumps back never opens a period again.
  #turn(): void {
    const wallMs = this.#clock.wallMs()
    if (wallMs < this.#turnsAt) return
    const period = periodOf(this.#period, wallMs)
    this.#turnsAt = periodStart(this.#period, period + 1)
    if (period <= this.#current) return
    this.#current = period
    this.#spent = 0
    this.#reserved = 0
  }
}

/** An account that fills steadily, `limit` a minute. */
export class RateAccount implements QuotaAccount {
  readonly #clock: Clock
  readonly #bucket: TokenBucket

  constructor(clock: Clock, limit: number, fullAtWallMs: number | null) {
    this.#clock = clock
    const arrival = fullAtWallMs === null ? 0 : clock.now() + fullAtWallMs - clock.wallMs()
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
    return {
      kind: 'rate',
      fullAtWallMs: this.#clock.wallMs() + Math.max(0, this.#bucket.arrival - this.#clock.now()),
    }
  }
}

/** Whether a state of an earlier life says nothing any more: its period is over, or it has filled up. */
export function isOver(state: AccountState, period: Quota['period'], wallMs: number): boolean {
  if (state.kind === 'rate') return state.fullAtWallMs <= wallMs
  return period !== 'minute' && state.period < periodOf(period, wallMs)
}

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
