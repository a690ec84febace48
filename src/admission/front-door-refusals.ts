// The words with which the front door says no: whose limit, what was counted, when to come back.

import type { Refusal } from '../domain/refusal.ts'
import { counted, duration } from '../lib/in-words.ts'
import { type Rate, used } from './gcra.ts'

/** Whose limit, and how to speak of it. */
export interface Owner {
  readonly scope: 'client' | 'principal' | 'team'
  readonly who: string
}

/** Too many calls at once. `penaltyMs` is above 0 when the limit is a penalty, and says how long it lasts. */
export function tooManyInFlight(owner: Owner, limit: number, inFlight: number, penaltyMs: number): Refusal {
  const because =
    penaltyMs > 0
      ? ` It may have ${limit} at a time for another ${duration(penaltyMs)}, because too many of its calls were wrong.`
      : ''
  return {
    kind: 'refusal',
    reason: 'too-many-in-flight',
    scope: owner.scope,
    dimension: 'calls in flight',
    limit,
    used: inFlight,
    retryAfterMs: null,
    message: `${owner.who} has ${counted(inFlight, 'call')} in flight, and its limit is ${limit}.${because} Wait until ${inFlight === 1 ? 'it' : 'one of them'} has answered, then call again.`,
  }
}

/** Too many calls a minute. */
export function tooFast(
  owner: Owner,
  rate: Rate,
  arrival: number,
  now: number,
  retryAfterMs: number,
): Refusal {
  const allowed =
    rate.limit === 1
      ? '1 request a minute, and has used it'
      : `${rate.limit} requests a minute, ${rate.burst} of them at once, and has used them`
  return {
    kind: 'refusal',
    reason: 'rate-limited',
    scope: owner.scope,
    dimension: 'requests a minute',
    limit: rate.limit,
    used: used(rate, arrival, now),
    retryAfterMs,
    message: `${owner.who} may make ${allowed}. Call again in ${duration(retryAfterMs)}.`,
  }
}

/** No state left for one more client. */
export function tooManyClients(limit: number, clients: number, retryAfterMs: number): Refusal {
  return {
    kind: 'refusal',
    reason: 'too-many-clients',
    scope: 'server',
    dimension: 'clients',
    limit,
    used: clients,
    retryAfterMs,
    message: `This server already serves ${counted(clients, 'client')} (limit ${limit}). Try again in ${duration(retryAfterMs)}, or ask its operator to raise limits.maxClients.`,
  }
}
