// From settings to the options of an account's groups: what is configured is kept, what is not is learned.

import { ownValue } from '../lib/own-value.ts'
import type { AccountRateLimits } from './account-rates.ts'
import type { FairQueueLimits } from './fair-queue.ts'
import type { QuotaGroupOptions } from './group-options.ts'

/** What an account's groups are made of. */
export interface GroupPlan {
  /** Whether the vendor counts per model (GLM) or over the whole account (Kimi). */
  readonly per: 'account' | 'model'
  /** The account's: one count for all of its groups. */
  readonly rates: AccountRateLimits
  /** Options of the group of a model; of the account when `model` is ''. */
  group(model: string): Omit<QuotaGroupOptions, 'name' | 'clock' | 'random'>
}

/** How many requests an account takes at once; null: to be learned. */
interface Concurrency {
  readonly default: number | null
  readonly byModel: Readonly<Record<string, number>>
}

/** What an operator, or a provider's table, says of an account. Times in milliseconds. */
export interface GroupSettings {
  readonly per: 'account' | 'model'
  readonly concurrency: Concurrency
  /** Where learning begins; 2 when absent. */
  readonly learnFrom?: number
  /** 30 s when absent. */
  readonly probeMs?: number
  /** Absent: the vendor counts none of these. */
  readonly rates?: AccountRateLimits
  /** Slot time when absent. */
  readonly costs?: 'slot-time' | 'tokens'
  readonly queue?: Partial<FairQueueLimits>
  /** 120 s when absent. */
  readonly waitMsMax?: number
  /** How long a vendor may still count a request that was cut; 0 when absent. */
  readonly cutHoldMs?: number
}

/** Options for every group of an account. */
export function toGroupPlan(settings: GroupSettings): GroupPlan {
  const { per, concurrency, costs, queue, waitMsMax, probeMs } = settings
  const rates = settings.rates ?? uncounted
  return {
    per,
    rates,
    group(model) {
      const configured = ownValue(concurrency.byModel, model) ?? concurrency.default
      return {
        ceiling: {
          start: configured ?? settings.learnFrom ?? 2,
          max: configured ?? ceilingMax,
          isConfigured: configured !== null,
          probeMs: probeMs ?? 30_000,
          watchFirstToken: configured === null,
        },
        rates,
        costs: costs ?? 'slot-time',
        queue: { ...queueDefaults, ...queue },
        waitMsMax: waitMsMax ?? 120_000,
        firstEstimateMs,
        cutHoldMs: settings.cutHoldMs ?? 0,
      }
    },
  }
}

const ceilingMax = 1000
// Small: what it was short of is charged when the first job ends, and from then on the estimate is what was seen.
const firstEstimateMs = 1000
const uncounted: AccountRateLimits = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  tokensPerDay: null,
  refundsTokens: true,
}
const queueDefaults: FairQueueLimits = {
  clientJobsMax: 64,
  clientBytesMax: 8 << 20,
  principalJobsMax: 512,
  jobsMax: 2048,
  forgetAfterMs: 60_000,
}
