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
  readonly wallMs: number
}

/** Milliseconds; null when nothing is known: no job of the group has ended yet, and the rates have room. */
export function forecastMs(times: HoldTimes, rates: GroupRates, facts: ForecastFacts): number | null {
  const { ahead, tokens, costs, slots, hasFreeSlot, now, wallMs } = facts
  const { meanMs } = times
  // Sooner than the rates let it go alone no job starts, whoever is ahead.
  const aloneMs = rates.soonestMs(tokens, now, wallMs)
  if (meanMs === null) return aloneMs || null
  // The more hopeful of two guesses: a guess must not refuse what fits.
  const byCountMs = ahead.jobs * meanMs
  const aheadMs = costs === 'tokens' ? byCountMs : Math.min(byCountMs, ahead.work)
  const slotMs = hasFreeSlot ? aheadMs : aheadMs + times.leftMs(now)
  // Those ahead are not of its own size. Where work is not counted in tokens nobody knows what they take.
  const aheadTokens = costs === 'tokens' ? Math.min(ahead.jobs * tokens, ahead.work) : 0
  return Math.max(slotMs / slots, rates.queueMs(ahead.jobs + 1, aheadTokens + tokens, now), aloneMs)
}
