// One job in the queue or in flight, as its group keeps it, and what ends its wait besides a slot: its signal, or its time.

import type { Refusal } from '../domain/refusal.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { RateDraw } from './group-rates.ts'
import type { Lease, LeaseRequest } from './lease.ts'
import type { JobWish } from './queue-owner.ts'
import type { JobEstimate } from './queue-tree.ts'

/** One job and whoever waits for its lease. */
export interface Waiter {
  readonly request: LeaseRequest
  /** What its next request is thought to take of the vendor's tokens: more when its cap was raised. */
  tokens: number
  /** When it came. */
  readonly since: number
  /** When the vendor first sent it back for concurrency; null: it did not. */
  sentBackAt: number | null
  resolve(answer: Lease | Refusal): void
  reject(reason: unknown): void
  timer: Timer | null
  onAbort: (() => void) | null
  /** One for each request on this lease. */
  readonly draws: RateDraw[]
  /** Requests on this lease that the vendor never worked on: their draws are given back. */
  unbegun: number
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
  resolve: Waiter['resolve'],
  reject: Waiter['reject'],
): Waiter {
  return {
    request,
    tokens,
    since,
    sentBackAt: null,
    resolve,
    reject,
    timer: null,
    onAbort: null,
    draws: [],
    unbegun: 0,
    startedAt: 0,
    endsAt: 0,
    place: 0,
    toldAt: 0,
  }
}

/** What the queue is asked for. Each field by its name: a request may have getters of its class, and a spread leaves those out. */
export function wishOf(request: LeaseRequest, expected: JobEstimate, deadlineAt: number): JobWish {
  const { principal, client, principalWeight, clientWeight, bytes } = request
  return {
    principal,
    client,
    ...(principalWeight === undefined ? {} : { principalWeight }),
    ...(clientWeight === undefined ? {} : { clientWeight }),
    class: request.class,
    bytes,
    estimate: expected.estimate,
    holdMs: expected.holdMs,
    knownMs: request.expectedMs ?? 0,
    deadlineAt,
  }
}

/** What ends a wait. */
interface WaitEnds {
  /** When it is too late to start; asked again then, since somebody with more time may wait for it by now. */
  lateAt(): number
  onLate(): void
  onAbort(): void
}

/** Listens to a waiter's signal and its time until `stopWaiting`. False: it was aborted already, and that has been told. */
export function keepWaiting(waiter: Waiter, clock: Clock, { lateAt, onLate, onAbort }: WaitEnds): boolean {
  const { signal } = waiter.request
  if (signal.aborted) {
    onAbort()
    return false
  }
  waiter.onAbort = onAbort
  signal.addEventListener('abort', onAbort)
  const arm = (): void => {
    const leftMs = Math.max(0, lateAt() - clock.now())
    waiter.timer = clock.after(leftMs, () => (lateAt() > clock.now() ? arm() : onLate()))
  }
  arm()
  return true
}

/** Takes a waiter's timer and its ear at the signal away. */
export function stopWaiting(waiter: Waiter): void {
  waiter.timer?.cancel()
  waiter.timer = null
  if (waiter.onAbort) waiter.request.signal.removeEventListener('abort', waiter.onAbort)
  waiter.onAbort = null
}
