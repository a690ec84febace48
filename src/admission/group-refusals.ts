// The words with which a quota group says no: who limited, what was counted, when to come back.

import type { Refusal } from '../domain/refusal.ts'
import { counted, duration } from '../lib/in-words.ts'
import type { AccountRateLimits, RateFact } from './account-rates.ts'
import type { FullScope } from './queue-bounds.ts'

/** A bound of the queue is reached. `roomMs`: how long until a job that counts against it starts, and so makes room. */
export function queueFull(name: string, full: FullScope, roomMs: number | null): Refusal {
  const { scope, unit, limit, used } = full
  const count = unit === 'jobs' ? counted(used, 'job') : `${counted(used, 'byte')} of jobs`
  return {
    kind: 'refusal',
    reason: 'queue-full',
    scope,
    dimension: `${unit} waiting for ${name}`,
    limit,
    used,
    retryAfterMs: roomMs,
    message: `${count} ${owners[scope]} already ${used === 1 ? 'waits' : 'wait'} for ${name} (limit ${limit}). ${comeBack(roomMs)}`,
  }
}

/** A waiting job had to make room for one of somebody who uses less of that bound. `roomMs` as above. */
export function evicted(name: string, full: FullScope, roomMs: number | null): Refusal {
  const { scope, unit, limit, used } = full
  return {
    kind: 'refusal',
    reason: 'queue-full',
    scope,
    dimension: `${unit} waiting for ${name}`,
    limit,
    used,
    retryAfterMs: roomMs,
    message: `${counted(used, 'job')} ${owners[scope]} waited for ${name} (limit ${limit}), and your window had more of them than anybody for its share, so its newest was dropped. ${comeBack(roomMs)}`,
  }
}

const owners = { client: 'of your window', principal: 'of your key', provider: 'of all callers' }

function comeBack(roomMs: number | null): string {
  return roomMs === null
    ? 'Call again when some of them are done.'
    : `The next of them starts in about ${duration(roomMs)}; call again then.`
}

/** The wait would be longer than the call may last: for others, or for a rate of the vendor's that is used up. */
export function wouldMissDeadline(
  name: string,
  waitMs: number,
  leftMs: number,
  scarce: RateFact | null = null,
): Refusal {
  const retryAfterMs = Math.max(1000, Math.round(waitMs - leftMs))
  const [waitSeconds, leftSeconds] = [Math.ceil(waitMs / 1000), Math.max(0, Math.round(leftMs / 1000))]
  if (scarce !== null && scarce.limit !== null) {
    const { unit, limit, remaining } = scarce
    return {
      kind: 'refusal',
      reason: 'would-miss-deadline',
      scope: 'provider',
      dimension: `${unit} of ${name}`,
      limit,
      used: limit - remaining,
      retryAfterMs,
      message: `${name} takes ${limit} ${unit}, and ${remaining} are left, too few for this job: the wait would be about ${duration(waitMs)}, and this call may wait for ${counted(leftSeconds, 'second')}. Call again in about ${duration(retryAfterMs)}, or ask for a model of another provider.`,
    }
  }
  return {
    kind: 'refusal',
    reason: 'would-miss-deadline',
    scope: 'provider',
    dimension: `seconds of waiting for ${name}`,
    limit: leftSeconds,
    used: waitSeconds,
    retryAfterMs,
    message: `${name} is busy: the wait would be about ${counted(waitSeconds, 'second')}, and this call may wait for ${leftSeconds}. Call again in about ${duration(retryAfterMs)}, or ask for another model.`,
  }
}

/** No turn came in time. `moreMs`: how long it would still have had to wait, as far as anybody knows. */
export function tooSlow(name: string, waitedMs: number, moreMs: number | null): Refusal {
  const seconds = Math.round(waitedMs / 1000)
  const when = moreMs === null ? 'when it is less busy' : `in about ${duration(moreMs)}`
  return {
    kind: 'refusal',
    reason: 'would-miss-deadline',
    scope: 'provider',
    dimension: `seconds of waiting for ${name}`,
    limit: seconds,
    used: seconds,
    retryAfterMs: moreMs,
    message: `No place at ${name} became free within ${duration(waitedMs)}. Call again ${when}, or ask for another model.`,
  }
}

/** The job is larger than the vendor ever allows. */
export function tooLarge(name: string, tokens: number, limits: AccountRateLimits): Refusal {
  const limit = Math.min(limits.tokensPerMinute ?? tokens, limits.tokensPerDay ?? tokens)
  return {
    kind: 'refusal',
    reason: 'too-large',
    scope: 'provider',
    dimension: `tokens of ${name}`,
    limit,
    used: tokens,
    retryAfterMs: null,
    message: `This job may take ${counted(tokens, 'token')}, and ${name} allows ${limit}. Send less text, or ask for a shorter answer.`,
  }
}
