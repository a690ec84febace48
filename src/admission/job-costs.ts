// What a job costs its group: in tokens, for the vendor's rates; and in the unit in which shares are counted, as an estimate
// before and as it was after.

import { attemptTokensMax } from '../domain/token-count.ts'
import type { AccountRateLimits } from './account-rates.ts'
import type { HoldTimes } from './hold-times.ts'
import type { LeaseRequest, Settlement } from './lease.ts'
import type { Ahead } from './queue-outlook.ts'
import type { JobEstimate } from './queue-tree.ts'
import type { Waiter } from './waiter.ts'

/** What a job took of its vendor's limits. */
export interface JobTaken {
  readonly requests: number
  /** Tokens that were set aside for these requests, and those that were used. */
  readonly reserved: number
  readonly used: number
}

/** What a job's tokens are counted from. */
export type TokenWish = Pick<LeaseRequest, 'inputTokens' | 'outputTokensMax' | 'outputTokensExpected'>

/** Costs of one group's jobs. */
export class JobCosts {
  readonly #unit: 'slot-time' | 'tokens'
  readonly #rates: AccountRateLimits
  readonly #times: HoldTimes
  /** What one request is worth where shares are counted in tokens. */
  readonly #requestTokens: number

  constructor(unit: 'slot-time' | 'tokens', rates: AccountRateLimits, times: HoldTimes) {
    this.#unit = unit
    this.#rates = rates
    this.#times = times
    const { requestsPerMinute, tokensPerMinute } = rates
    this.#requestTokens =
      requestsPerMinute === null || tokensPerMinute === null
        ? requestTokensUnknown
        : tokensPerMinute / requestsPerMinute
  }

  /** Tokens that the vendor will count, as far as one can know; it counts the whole cap where it refunds nothing. */
  tokensOf({ inputTokens, outputTokensMax, outputTokensExpected }: TokenWish): number {
    const expected = this.#rates.refundsTokens ? (outputTokensExpected ?? outputTokensMax) : outputTokensMax
    return inputTokens + Math.min(expected, outputTokensMax)
  }

  /** The same for a further request of a job, with this cap: one that was raised will be needed. */
  tokensAgain({ request, tokens }: Waiter, outputTokensMax: number): number {
    const { inputTokens } = request
    if (outputTokensMax <= request.outputTokensMax) return tokens
    return this.tokensOf({ inputTokens, outputTokensMax })
  }

  /** What a job that has to start is charged, and how long it will hold its slot. */
  expected({ request, tokens }: Pick<Waiter, 'request' | 'tokens'>): JobEstimate {
    const holdMs = this.#times.expectedMs(request.expectedMs)
    return { estimate: this.#unit === 'tokens' ? this.#atLeast(tokens) : holdMs, holdMs }
  }

  /** Tokens that such jobs take at least, though each may have been counted for no more than a request is worth. */
  leastTokens({ jobs, work }: Pick<Ahead, 'jobs' | 'work'>): number {
    return this.#unit === 'tokens' ? Math.max(0, work - jobs * this.#requestTokens) : 0
  }

  /**
   * What a job took in all its requests; without a settlement what is still set aside, as when nobody knows. Bounded: one absurd number
   * would raise the level's clock to where what everybody else takes rounds to nothing, and it never falls.
   */
  taken({ draws, unbegun }: Waiter, settlement: Settlement | undefined): JobTaken {
    const reserved = draws.reduce((sum, { tokens }) => sum + tokens, 0)
    const used = settlement ? settlement.inputTokens + settlement.outputTokens : reserved
    return { requests: draws.length + unbegun, reserved, used: Math.min(used, attemptTokensMax) }
  }

  /** What it has cost, after it held its slot for so long. */
  settled({ requests, reserved, used }: JobTaken, heldMs: number): number {
    if (this.#unit === 'slot-time') return heldMs
    return this.#atLeast(this.#rates.refundsTokens ? used : Math.max(used, reserved), requests)
  }

  // The scarcer of the two decides: a flood of tiny requests uses up the requests of a minute, and would cost nothing else.
  #atLeast(tokens: number, requests = 1): number {
    return Math.max(tokens, requests * this.#requestTokens)
  }
}

// Where no limit is known to compare with.
const requestTokensUnknown = 1000
