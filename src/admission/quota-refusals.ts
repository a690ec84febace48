// The words with which a quota says no: whose, of what, how much is used, when to come back.

import type { Identity } from '../domain/identity.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Amounts, Quota } from './quota.ts'

/** A quota without room. `waitMs` null: the job alone is more than the whole quota. */
export function quotaUsed(
  identity: Identity,
  quota: Quota,
  amounts: Amounts,
  used: number,
  waitMs: number | null,
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
        : `${head} and has used ${spent}; this job may take ${wanted}. Try again in ${inWords(waitMs)}, or ask for less.`,
  }
}

function inWords(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000))
  if (seconds < 120) return `${seconds} second${seconds === 1 ? '' : 's'}`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`
}
