// The words with which the front door says no: whose limit, what was counted, when to come back.

import type { Identity } from '../domain/identity.ts'
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

/**
 * No place for one more client, among its principal's own or in all. `retryAfterMs`: when the first of those that are there may be
 * forgotten; null: each has a call in flight.
 */
export function tooManyClients(
  scope: 'principal' | 'server',
  limit: number,
  clients: number,
  retryAfterMs: number | null,
): Refusal {
  const many = counted(clients, 'client')
  const head = scope === 'server' ? `This server already serves ${many}` : `Your key already has ${many} here`
  const when =
    retryAfterMs === null
      ? `${clients === 1 ? 'It has' : 'Each of them has'} a call in flight: try again when one has been answered`
      : `Try again in ${duration(retryAfterMs)}`
  return {
    kind: 'refusal',
    reason: 'too-many-clients',
    scope,
    dimension: 'clients',
    limit,
    used: clients,
    retryAfterMs,
    message: `${head} (limit ${limit}). ${when}, or ask the server’s operator to raise limits.maxClients.`,
  }
}

/** A window's name is put into words only when it is refused: the path to here runs for every call. */
export function ownerOf(owner: Owner | Identity): Owner {
  return 'scope' in owner ? owner : { scope: 'client', who: `Your window (${owner.label})` }
}
