// What a quota group is made of.

import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { CeilingOptions } from './ceiling.ts'
import type { FairQueueLimits } from './fair-queue.ts'
import type { GroupRateLimits } from './group-rates.ts'

/** What one group is made of. */
export interface QuotaGroupOptions {
  /** For people: `glm/main glm-5.2`. */
  readonly name: string
  readonly ceiling: CeilingOptions
  readonly rates: GroupRateLimits
  /** What is scarce here, and so what shares are counted in. */
  readonly costs: 'slot-time' | 'tokens'
  readonly queue: FairQueueLimits
  /** Longest wait in milliseconds. */
  readonly waitMsMax: number
  /** How long a job is thought to hold a slot until one has been seen, in milliseconds. */
  readonly firstEstimateMs: number
  /** How long a slot stays taken after its request was cut, in milliseconds; 0 when absent. */
  readonly cutHoldMs?: number
  /** The day's count of tokens has changed, and should survive a crash. */
  onDayCount?(): void
  readonly clock: Clock
  readonly random: Random
}
