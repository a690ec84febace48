// Whether the rates of a group can let a request go in time, and the words when they cannot.

import type { Refusal } from '../domain/refusal.ts'
import type { Clock } from '../lib/clock.ts'
import type { AccountRateLimits } from './account-rates.ts'
import type { GroupRates } from './group-rates.ts'
import { tooLarge, wouldMissDeadline } from './group-refusals.ts'

/** A group's rates, with its name for people and the limits they keep. */
export interface NamedRates {
  readonly name: string
  readonly rates: GroupRates
  readonly limits: AccountRateLimits
}

/** Why a request of so many tokens cannot go before `untilAt` (monotonic milliseconds), or ever; null: it may. */
export function ratesRefusal(
  { name, rates, limits }: NamedRates,
  tokens: number,
  untilAt: number,
  clock: Clock,
): Refusal | null {
  const now = clock.now()
  const wallMs = clock.wallMs()
  const waitMs = rates.waitMs(tokens, now, wallMs)
  if (waitMs === null) return tooLarge(name, tokens, limits)
  if (now + rates.soonestMs(tokens, now, wallMs) <= untilAt) return null
  return wouldMissDeadline(name, waitMs, untilAt - now, rates.scarce(tokens, now, wallMs))
}
