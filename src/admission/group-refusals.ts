// The words with which a quota group says no: who limited, what was counted, when to come back.

import type { Refusal } from '../domain/refusal.ts'
import type { FullScope } from './fair-queue.ts'
import type { GroupRateLimits } from './group-rates.ts'

/** A bound of the queue is reached. `meanMs`: how long jobs took lately. */
export function queueFull(name: string, full: FullScope, meanMs: number | null): Refusal {
  const { scope, unit, limit, used } = full
  const whose = { client: 'of your window', principal: 'of your key', provider: 'of all callers' }[scope]
  const count = unit === 'jobs' ? `${used} jobs ${whose}` : `${used} bytes of jobs ${whose}`
  return {
    kind: 'refusal',
    reason: 'queue-full',
    scope,
    dimension: `${unit} waiting for ${name}`,
    limit,
    used,
    retryAfterMs: meanMs,
    message: `${count} already wait for ${name} (limit ${limit}). Wait until some are done, then try again.`,
  }
}

/** A waiting job had to make room for one of a client that uses less. */
export function evicted(name: string, jobsMax: number): Refusal {
  return {
    kind: 'refusal',
    reason: 'queue-full',
    scope: 'client',
    dimension: `jobs waiting for ${name}`,
    limit: jobsMax,
    used: jobsMax,
    retryAfterMs: null,
    message: `The queue of ${name} is full (limit ${jobsMax}), and your window had more waiting there than anybody for its share, so its newest job was dropped. Wait until some of your jobs are done, then try again.`,
  }
}

/** The wait would be longer than the call may last. */
export function wouldMissDeadline(name: string, waitMs: number, leftMs: number): Refusal {
  return {
    kind: 'refusal',
    reason: 'would-miss-deadline',
    scope: 'provider',
    dimension: `seconds of waiting for ${name}`,
    limit: Math.max(0, Math.round(leftMs / 1000)),
    used: Math.ceil(waitMs / 1000),
    retryAfterMs: Math.max(1000, Math.round(waitMs - leftMs)),
    message: `${name} is busy: the wait would be about ${Math.ceil(waitMs / 1000)} seconds, and this call may wait ${Math.max(0, Math.round(leftMs / 1000))}. Try again later, or ask for another model.`,
  }
}

/** No turn came in time. */
export function tooSlow(name: string, waitedMs: number): Refusal {
  const seconds = Math.round(waitedMs / 1000)
  return {
    kind: 'refusal',
    reason: 'would-miss-deadline',
    scope: 'provider',
    dimension: `seconds of waiting for ${name}`,
    limit: seconds,
    used: seconds,
    retryAfterMs: null,
    message: `No place at ${name} became free within ${seconds} seconds. Try again later, or ask for another model.`,
  }
}

/** The job is larger than the vendor ever allows. */
export function tooLarge(name: string, tokens: number, limits: GroupRateLimits): Refusal {
  const limit = Math.min(limits.tokensPerMinute ?? tokens, limits.tokensPerDay ?? tokens)
  return {
    kind: 'refusal',
    reason: 'too-large',
    scope: 'provider',
    dimension: `tokens of ${name}`,
    limit,
    used: tokens,
    retryAfterMs: null,
    message: `This job may take ${tokens} tokens, and ${name} allows ${limit}. Send less text, or ask for a shorter answer.`,
  }
}
