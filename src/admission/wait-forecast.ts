// How long a waiting job will wait, as far as anybody can know.

import type { GroupRates } from './group-rates.ts'
import type { HoldTimes } from './hold-times.ts'
import type { Ahead } from './queue-outlook.ts'

/** What a forecast is made from. */
export interface ForecastFacts {
  readonly ahead: Ahead
  /** What the job itself takes of the vendor's tokens. */
  readonly tokens: number
  readonly costs: 'slot-time' | 'tokens'
  readonly slots: number
  readonly hasFreeSlot: boolean
  readonly now: number
}

/** Milliseconds; null before the first job of the group has ended. */
export function forecastMs(times: HoldTimes, rates: GroupRates, facts: ForecastFacts): number | null {
  const { ahead, tokens, costs, slots, hasFreeSlot, now } = facts
  const { meanMs } = times
  if (meanMs === null) return null
  // The more hopeful of two guesses: a guess must not refuse what fits.
  const byCountMs = ahead.jobs * meanMs
  const aheadMs = costs === 'tokens' ? byCountMs : Math.min(byCountMs, ahead.work)
  const slotMs = hasFreeSlot ? aheadMs : aheadMs + times.leftMs(now)
  return Math.max(slotMs / slots, rates.queueMs(ahead.jobs, tokens, now))
}
