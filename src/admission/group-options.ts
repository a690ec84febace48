// What a quota group is made of.

import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import { type AccountRateLimits, AccountRates } from './account-rates.ts'
import type { CeilingOptions } from './ceiling.ts'
import type { FairQueueLimits } from './fair-queue.ts'
import type { RatesLine } from './rates-line.ts'

/** The rates of an account, and who is next where several groups want them. */
export interface SharedRates {
  /** The account, for people: `glm/main`. */
  readonly name: string
  readonly rates: AccountRates
  /** Null where nobody has to wait for another: one group, or nothing that is counted. */
  readonly line: RatesLine | null
}

/** What one group is made of. */
export interface QuotaGroupOptions {
  /** For people: `glm/main glm-5.2`. */
  readonly name: string
  readonly ceiling: CeilingOptions
  readonly rates: AccountRateLimits
  /** Where groups of one account share its rates; else it counts `rates` for itself. */
  readonly shared?: SharedRates
  /** What is scarce here, and so what shares are counted in. */
  readonly costs: 'slot-time' | 'tokens'
  readonly queue: FairQueueLimits
  /** Longest wait in milliseconds. */
  readonly waitMsMax: number
  /** How long a job is thought to hold a slot until one has been seen, in milliseconds. */
  readonly firstEstimateMs: number
  /** How long a slot stays taken after its request was cut, in milliseconds; 0 when absent. */
  readonly cutHoldMs?: number
  readonly clock: Clock
  readonly random: Random
}

/** Rates that a group counts for itself alone. */
export function unshared({ name, rates }: Pick<QuotaGroupOptions, 'name' | 'rates'>): SharedRates {
  return { name, rates: new AccountRates(rates), line: null }
}
