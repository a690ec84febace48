// What people are shown of how vendors do, and of the bounds that decide it. A picture of one moment; it decides nothing.

import type { BreakerLimits } from './breaker.ts'
import type { RetryLimits } from './retry-limits.ts'
import type { TargetHealth } from './target-health.ts'

/** The health of vendors, and what it is judged by. */
export interface HealthFacts extends ReturnType<TargetHealth['inspect']> {
  /** Jobs that wait for somebody to come back. */
  readonly waiting: number
  /** Retries that may be made at each provider now. */
  readonly retriesLeft: Readonly<Record<string, number>>
  readonly retries: RetryLimits
  readonly breaker: BreakerLimits
}
