// What one level of callers has used at the front door: its rate, and its calls in flight. Plain state; asking changes nothing.

import type { Identity } from '../domain/identity.ts'
import type { Refusal } from '../domain/refusal.ts'
import { type Owner, ownerOf, tooFast, tooManyInFlight } from './front-door-refusals.ts'
import { fullBucket, isFull, type Rate, spend, toRate } from './gcra.ts'

/** Limits of one level. */
export interface CallLimits {
  readonly requestsPerMinute: number
  /** Requests that may come at once. */
  readonly burst: number
  /** Calls in flight. */
  readonly concurrency: number
}

/** The limits as they are counted by. */
export interface CallGate {
  readonly rate: Rate
  readonly concurrency: number
}

/** What a client, a principal or a team has used of its limits. */
export interface CallCounter {
  gate: CallGate
  arrival: number
  inFlight: number
}

/** The limits as they are counted by. */
export function toCallGate({ requestsPerMinute, burst, concurrency }: CallLimits): CallGate {
  return { rate: toRate(requestsPerMinute, burst), concurrency }
}

/** Nothing used. */
export function newCallCounter(gate: CallGate): CallCounter {
  return { gate, arrival: fullBucket, inFlight: 0 }
}

/** True when whoever is counted so would find the same if it were forgotten. */
export function isIdle(counter: CallCounter, now: number): boolean {
  return counter.inFlight === 0 && isFull(counter.arrival, now)
}

/** The counter's next state if one more call fits; else the refusal. Changes nothing. */
export function check(counter: CallCounter, owner: Owner | Identity, now: number): number | Refusal {
  const { rate, concurrency } = counter.gate
  if (counter.inFlight >= concurrency) {
    return tooManyInFlight(ownerOf(owner), concurrency, counter.inFlight, 0)
  }
  const next = spend(rate, counter.arrival, now)
  return next < 0 ? tooFast(ownerOf(owner), rate, counter.arrival, now, -next) : next
}

/** Counts a call that `check` let in. */
export function enter(counter: CallCounter, arrival: number): void {
  counter.arrival = arrival
  counter.inFlight++
}
