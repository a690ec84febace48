// What a job asks of a quota group, and what it gets: the right to one vendor request, released once.

import type { Refusal } from '../domain/refusal.ts'
import type { VendorLimits } from '../domain/vendor-limits.ts'
import type { Timer } from '../lib/clock.ts'
import type { RateDraw } from './group-rates.ts'
import type { QueuePlace } from './queue-place.ts'
import type { JobClass } from './queue-tree.ts'

/** One job's wishes. */
export interface LeaseRequest {
  readonly principal: string
  readonly client: string
  readonly principalWeight?: number
  readonly clientWeight?: number
  readonly class: JobClass
  readonly inputTokens: number
  /** The cap that will be asked for. */
  readonly outputTokensMax: number
  /** What is likely to come of it; the whole cap when absent. Counts only where the vendor gives back what was not used. */
  readonly outputTokensExpected?: number
  /** How long it is likely to hold a slot; the group's own mean when absent. Milliseconds. */
  readonly expectedMs?: number
  /** Memory that waits with it. */
  readonly bytes: number
  /** Monotonic milliseconds: later than this the answer is worthless. */
  readonly deadlineAt: number
  readonly signal: AbortSignal
  /** Called at once, when the place changes, and at least every 10 seconds while waiting. */
  onPlace(place: QueuePlace): void
}

/** What a job really took. */
export interface Settlement {
  readonly inputTokens: number
  readonly outputTokens: number
}

/** The right to one vendor request until `deadlineAt`. Exactly one of its three ends is called, and only once. */
export interface Lease {
  readonly deadlineAt: number
  /** How long it waited, in milliseconds. */
  readonly waitedMs: number
  /** Ends the request. Without a settlement the estimate stands, as when nobody knows what the vendor counted. */
  release(settlement?: Settlement): void
  /**
   * Instead of `release`, for a request that we cut: the vendor needs a round trip to notice, and counts it until then. A slot
   * given away at once would be one too many there, and the next in line would be refused for it.
   */
  releaseCut(settlement?: Settlement): void
  /** The vendor refused for concurrency: waits again at the old place. Rejects as `acquire` does. */
  refusedByVendor(): Promise<Lease | Refusal>
  /** A further request of the same job goes to the vendor on this lease: it is counted, and never held up. */
  anotherRequest(): void
  /** What the vendor said of its limits with its answer. */
  heard(limits: VendorLimits): void
  /** Tells the ceiling how long the first token took, in milliseconds. */
  firstToken(ms: number): void
}

/** One job in the queue or in flight, as its group keeps it. */
export interface Waiter {
  readonly request: LeaseRequest
  /** What one request of it is thought to take of the vendor's tokens. */
  readonly tokens: number
  readonly since: number
  /** Latest time to start. */
  readonly untilAt: number
  resolve(answer: Lease | Refusal): void
  reject(reason: unknown): void
  timer: Timer | null
  onAbort: (() => void) | null
  /** One for each request on this lease. */
  readonly draws: RateDraw[]
  startedAt: number
  /** When it should end. */
  endsAt: number
  /** The place last told, and when. */
  place: number
  toldAt: number
}

/** A job that has just come. */
export function newWaiter(
  request: LeaseRequest,
  tokens: number,
  since: number,
  untilAt: number,
  resolve: Waiter['resolve'],
  reject: Waiter['reject'],
): Waiter {
  return {
    request,
    tokens,
    since,
    untilAt,
    resolve,
    reject,
    timer: null,
    onAbort: null,
    draws: [],
    startedAt: 0,
    endsAt: 0,
    place: 0,
    toldAt: 0,
  }
}

/** Takes a waiter's timer and its ear at the signal away. */
export function stopWaiting(waiter: Waiter): void {
  waiter.timer?.cancel()
  waiter.timer = null
  if (waiter.onAbort) waiter.request.signal.removeEventListener('abort', waiter.onAbort)
  waiter.onAbort = null
}
