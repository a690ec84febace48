// How long a waiting job will wait: probably, for people, and at least, before anybody is refused for it.

import type { GroupRates } from './group-rates.ts'
import { type HoldTimes, leastShare } from './hold-times.ts'
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
  /** What those before it take of them at least: 0 where others' groups stand between, and nobody knows. */
  readonly leastTokensAhead: number
  readonly costs: 'slot-time' | 'tokens'
  /** How many there are now. */
  readonly slots: number
  /** When there may be one more than those, or than what runs, and one more, and so on at the earliest, in milliseconds from now. */
  readonly raisesMs: Iterable<number>
  /** Jobs that hold a slot. */
  readonly inFlight: number
  readonly now: number
  readonly wallMs: number
}

/** Two forecasts, in milliseconds. */
export interface Forecast {
  /** Null when nothing is known: no job of the group has ended yet, and the rates have room. */
  readonly expectedMs: number | null
  /** What it waits even if all before it are as short as can be: only for more than this may it be refused. */
  readonly leastMs: number
}

/** How long a job will wait. */
export function forecast(times: HoldTimes, rates: GroupRates, facts: ForecastFacts): Forecast {
  const { ahead, inLine, tokens, leastTokensAhead, costs, slots, inFlight, now, wallMs } = facts
  const before = inLine ?? ahead
  // Sooner than the rates let it go alone no job starts, whoever is ahead. Those ahead are not of its own size; where work is not
  // counted in tokens nobody knows what they take.
  const tokensAhead = costs === 'tokens' ? Math.min(before.jobs * tokens, before.work) : 0
  const soonestMs = rates.soonestMs(tokens, now, wallMs)
  const queueMs = rates.queueMs(before.jobs + 1, tokensAhead + tokens, now)
  const leastTokens = Math.min(tokensAhead, leastTokensAhead) + tokens
  const leastQueueMs = rates.leastQueueMs(before.jobs + 1, leastTokens, now)
  const ratesMs = Math.max(queueMs, soonestMs)
  const slotMs = (ahead.holdMs + (inFlight < slots ? 0 : times.leftMs(now))) / slots
  return {
    expectedMs: times.meanMs === null ? ratesMs || null : Math.max(slotMs, ratesMs),
    leastMs: Math.max(leastSlotMs(times, facts), leastQueueMs, soonestMs),
  }
}

// When its turn comes the other slots may each have just begun a job, the longest there is, also those that were not there at first.
function leastSlotMs(times: HoldTimes, facts: ForecastFacts): number {
  const besideMs = times.longestMs * leastShare
  const leftMs = facts.inFlight < facts.slots ? 0 : times.leastLeftMs(facts.now)
  // What runs beyond a limit that fell holds slots as well.
  let slots = Math.max(facts.slots, facts.inFlight)
  let workMs = facts.ahead.knownMs * leastShare + leftMs - (slots - 1) * besideMs
  let fromMs = 0
  for (const raiseMs of facts.raisesMs) {
    if (fromMs + workMs / slots <= raiseMs) break
    workMs -= slots * (raiseMs - fromMs) + besideMs
    fromMs = raiseMs
    slots++
  }
  return fromMs + Math.max(0, workMs) / slots
}
