// The words with which a quota says no: whose, of what, how much is used, when to come back.

import type { Identity } from '../domain/identity.ts'
import type { Refusal } from '../domain/refusal.ts'
import { duration } from '../lib/in-words.ts'
import type { Amounts, Quota } from './quota.ts'

/** A quota without room. `waitMs` null: the job alone is more than the whole quota. */
export function quotaUsed(
  identity: Identity,
  quota: Quota,
  amounts: Amounts,
  used: number,
  waitMs: number | null,
  wallMs: number,
): Refusal {
  const { scope, unit, period } = quota
  const who = { client: `Your window (${identity.label})`, principal: 'Your key', team: 'Your team' }[scope]
  const isMoney = unit === 'micro-dollars'
  const dimension = `${isMoney ? 'US dollars' : 'tokens'} a ${period}`
  const [limit, spent, wanted] = [quota.limit, used, amounts[unit]].map((n) => (isMoney ? n / 1e6 : n)) as [
    number,
    number,
    number,
  ]
  const head = `${who} may use ${limit} ${dimension}`
  return {
    kind: 'refusal',
    reason: waitMs === null ? 'too-large' : 'rate-limited',
    scope,
    dimension,
    limit,
    used: spent,
    retryAfterMs: waitMs,
    message:
      waitMs === null
        ? `${head}, and this job may take ${wanted}. Send less text, or ask for a shorter answer.`
        : `${head} and has used ${spent}; this job may take ${wanted}. ${comeBack(period, waitMs, wallMs)}`,
  }
}

// A calendar period ends on a date that people can write down; a minute is over before they have.
function comeBack(period: Quota['period'], waitMs: number, wallMs: number): string {
  if (period === 'minute') return `Try again in ${duration(waitMs)}, or ask for less.`
  const date = new Date(wallMs + waitMs).toISOString().slice(0, 10)
  return `It begins anew on ${date} (UTC), in ${duration(waitMs)}; until then only smaller jobs may fit.`
}
