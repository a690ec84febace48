// Retries as a capped share of calls, per provider: in a total outage the vendor sees at most 1.2 attempts for each job, plus a
// small floor that keeps a quiet server able to retry at all. After Finagle's retry budget (20 %, minimum rate).

import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { retryDefaults } from './retry-limits.ts'

/** Shares and rates; those of `retryDefaults` when absent. */
export interface RetryBudgetOptions {
  readonly clock: Clock
  /** Retries earned by each first attempt. */
  readonly share?: number
  /** Retries a minute that need no earning; also how many may come at once. */
  readonly floorPerMinute?: number
}

interface Account {
  earned: number
  floor: number
  at: number
}

const providersMax = 256
// What is earned in a calm hour must not be spent in one storm.
const earnedMax = 20

/** The retry budgets of all providers. */
export class RetryBudget {
  readonly #clock: Clock
  readonly #share: number
  readonly #floorPerMinute: number
  readonly #accounts = new BoundedMap<string, Account>(providersMax)

  constructor(options: RetryBudgetOptions) {
    this.#clock = options.clock
    this.#share = options.share ?? retryDefaults.sharePercent / 100
    this.#floorPerMinute = options.floorPerMinute ?? retryDefaults.perMinute
  }

  /** A job's first attempt goes to `provider`. */
  deposit(provider: string): void {
    const account = this.#account(provider)
    account.earned = Math.min(earnedMax, account.earned + this.#share)
  }

  /** Whether one more attempt may be made; takes it from what is earned first, then from the floor. */
  withdraw(provider: string): boolean {
    const account = this.#account(provider)
    // Five deposits of 0.2 do not quite make 1 in binary.
    const purse = account.earned > 1 - 1e-9 ? 'earned' : 'floor'
    if (account[purse] < 1 - 1e-9) return false
    account[purse] = Math.max(0, account[purse] - 1)
    return true
  }

  /** Retries left there now. */
  left(provider: string): number {
    const { earned, floor } = this.#account(provider)
    return Math.floor(earned + 1e-9) + Math.floor(floor + 1e-9)
  }

  #account(provider: string): Account {
    const now = this.#clock.now()
    const account = this.#accounts.getOrCreate(provider, () => ({
      earned: 0,
      floor: this.#floorPerMinute,
      at: now,
    }))
    const gained = (Math.max(0, now - account.at) / 60_000) * this.#floorPerMinute
    account.floor = Math.min(this.#floorPerMinute, account.floor + gained)
    account.at = Math.max(account.at, now)
    return account
  }
}
