// A lease that was granted: one of its five ends is taken, once, and what comes later changes nothing.

import type { Refusal } from '../domain/refusal.ts'
import type { VendorLimits } from '../domain/vendor-limits.ts'
import { assert } from '../lib/assert.ts'
import type { Clock } from '../lib/clock.ts'
import type { FurtherWish, Lease, Settlement } from './lease.ts'
import type { Waiter } from './waiter.ts'

/** What the group does at each turn of a lease's life. */
export interface LeaseEnds {
  finish(settlement: Settlement | undefined, isServed: boolean): void
  /** The vendor refused it for concurrency, and it ends. */
  refused(): void
  putBack(): Promise<Lease | Refusal>
  another(wish: FurtherWish): Promise<Refusal | null>
  anotherRequest(): void
  unbegun(requests: number): void
  firstToken(ms: number, model: string): void
  heard(limits: VendorLimits): void
}

/** The lease. */
export class HeldLease implements Lease {
  readonly deadlineAt: number
  readonly waitedMs: number
  readonly #clock: Clock
  readonly #cutHoldMs: number
  readonly #ends: LeaseEnds
  #isHeld = true

  /** `cutHoldMs`: how long the vendor needs to notice a cut. */
  constructor(waiter: Waiter, clock: Clock, cutHoldMs: number, ends: LeaseEnds) {
    this.deadlineAt = waiter.request.deadlineAt
    this.waitedMs = waiter.startedAt - waiter.since
    this.#clock = clock
    this.#cutHoldMs = cutHoldMs
    this.#ends = ends
  }

  release(settlement?: Settlement): void {
    this.#finish(settlement, true, 0)
  }

  releaseUnserved(settlement?: Settlement): void {
    this.#finish(settlement, false, 0)
  }

  releaseCut(settlement?: Settlement): void {
    this.#finish(settlement, false, this.#cutHoldMs)
  }

  releaseRefused(settlement?: Settlement): void {
    if (this.#isHeld) this.#ends.refused()
    this.#finish(settlement, false, 0)
  }

  refusedByVendor(): Promise<Lease | Refusal> {
    assert(this.#isHeld, 'a lease is given back once')
    this.#isHeld = false
    return this.#ends.putBack()
  }

  another(wish: FurtherWish): Promise<Refusal | null> {
    assert(this.#isHeld, 'a lease that was given back makes no requests')
    return this.#ends.another(wish)
  }

  anotherRequest(): void {
    if (this.#isHeld) this.#ends.anotherRequest()
  }

  unbegun(requests: number): void {
    if (this.#isHeld) this.#ends.unbegun(requests)
  }

  firstToken(ms: number, model: string): void {
    this.#ends.firstToken(ms, model)
  }

  heard(limits: VendorLimits): void {
    if (this.#isHeld) this.#ends.heard(limits)
  }

  #finish(settlement: Settlement | undefined, isServed: boolean, afterMs: number): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    if (afterMs > 0) this.#clock.after(afterMs, () => this.#ends.finish(settlement, isServed))
    else this.#ends.finish(settlement, isServed)
  }
}
