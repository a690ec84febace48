// The words with which a quota says no: whose, of what, how much is used, when to come back.

import type { Identity } from '../domain/identity.ts'
import type { Refusal } from '../domain/refusal.ts'
import { duration } from '../lib/in-words.ts'
import type { Amounts, Quota } from './quota.ts'

/** A quota without room. */
export interface Shortage {
  readonly quota: Quota
  /** What is in use, and how much of that running jobs have only reserved. */
  readonly used: number
  readonly reserved: number
  /** It would fit, were it not for what is reserved. */
  readonly isHeldUp: boolean
  /** null: the job alone is more than the whole quota. */
  readonly waitMs: number | null
}

/** The words for it. */
export function quotaUsed(
  identity: Identity,
  { quota, used, reserved, isHeldUp, waitMs }: Shortage,
  amounts: Amounts,
  wallMs: number,
): Refusal {
  const { scope, unit, period } = quota
  const who = { client: `Your window (${identity.label})`, principal: 'Your key', team: 'Your team' }[scope]
  const isMoney = unit === 'micro-dollars'
  const dimension = `${isMoney ? 'US dollars' : 'tokens'} a ${period}`
  const shown = (amount: number): number => (isMoney ? amount / 1e6 : amount)
  const limit = shown(quota.limit)
  const wanted = shown(amounts[unit])
  const head = `${who} may use ${limit} ${dimension}`
  const aside = reserved > 0 ? `, and running jobs have set aside ${shown(reserved)}` : ''
  return {
    kind: 'refusal',
    reason: waitMs === null ? 'too-large' : 'rate-limited',
    scope,
    dimension,
    limit,
    used: shown(used),
    retryAfterMs: waitMs,
    message:
      waitMs === null
        ? `${head}, and this job may take ${wanted}. ${limit === 0 ? 'Whoever runs the server may allow more.' : 'Send less text, or ask for a shorter answer.'}`
        : `${head} and has used ${shown(used - reserved)}${aside}; this job may take ${wanted}. ${isHeldUp ? soon(waitMs) : comeBack(period, waitMs, wallMs)}`,
  }
}

function soon(waitMs: number): string {
  return `It may fit when a running job ends, the first of them in ${duration(waitMs)} at the latest; until then only smaller jobs may fit.`
}

// A calendar period ends on a date that people can write down; a minute is over before they have.
function comeBack(period: Quota['period'], waitMs: number, wallMs: number): string {
  if (period === 'minute') return `Try again in ${duration(waitMs)}, or ask for less.`
  const date = new Date(wallMs + waitMs).toISOString().slice(0, 10)
  return `It begins anew on ${date} (UTC), in ${duration(waitMs)}; until then only smaller jobs may fit.`
}
