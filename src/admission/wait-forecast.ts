// How long a waiting job will wait, as far as anybody can know.

import type { GroupRates } from './group-rates.ts'
import type { HoldTimes } from './hold-times.ts'
import type { Ahead } from './queue-outlook.ts'
import type { AheadInLine } from './rates-outlook.ts'

/** What a forecast is made from. */
export interface ForecastFacts {
  /** What its group does before it. */
  readonly ahead: Ahead
  /** What goes before it of all that waits for the account's rates; null: its own group alone does. */
  readonly inLine: AheadInLine | null
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
  const { ahead, inLine, tokens, costs, slots, hasFreeSlot, now, wallMs } = facts
  const { meanMs } = times
  const before = inLine ?? ahead
  // Sooner than the rates let it go alone no job starts, whoever is ahead. Those ahead are not of its own size; where work is not
  // counted in tokens nobody knows what they take.
  const tokensAhead = costs === 'tokens' ? Math.min(before.jobs * tokens, before.work) : 0
  const queueMs = rates.queueMs(before.jobs + 1, tokensAhead + tokens, now)
  const ratesMs = Math.max(queueMs, rates.soonestMs(tokens, now, wallMs))
  if (meanMs === null) return ratesMs || null
  // The more hopeful of two guesses: a guess must not refuse what fits.
  const byCountMs = ahead.jobs * meanMs
  const aheadMs = costs === 'tokens' ? byCountMs : Math.min(byCountMs, ahead.work)
  const slotMs = hasFreeSlot ? aheadMs : aheadMs + times.leftMs(now)
  return Math.max(slotMs / slots, ratesMs)
}
