// When the job whose turn it is may start: after the pause that a refusal asked for, with a slot, and when the rates have room.
// A job that the rates cannot let go before its time is over is not waited for: those behind it may fit.

import type { Refusal } from '../domain/refusal.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { Ceiling } from './ceiling.ts'
import { type NamedRates, ratesRefusal } from './rates-refusal.ts'

/** What the job in turn waits for; times in milliseconds. */
export type Turn =
  | { readonly kind: 'now' }
  /** Null: until another ends. */
  | { readonly kind: 'wait'; readonly waitMs: number | null }
  /** The rates have room for it after its time only; which of them has none, in the words of one that comes now. */
  | { readonly kind: 'too-late'; readonly refusal: Refusal }

/** The turns of one group. */
export class Turns {
  readonly #clock: Clock
  readonly #random: Random
  readonly #ceiling: Ceiling
  readonly #named: NamedRates
  #pausedUntil = 0

  constructor(clock: Clock, random: Random, ceiling: Ceiling, named: NamedRates) {
    this.#clock = clock
    this.#random = random
    this.#ceiling = ceiling
    this.#named = named
  }

  /** Of a job of so many tokens, which may wait until `lateAt`, while `inFlight` run. */
  of(tokens: number, lateAt: number, inFlight: number): Turn {
    const now = this.#clock.now()
    if (now < this.#pausedUntil) return { kind: 'wait', waitMs: this.#pausedUntil - now }
    if (inFlight >= this.#ceiling.limit) {
      const probeMs = this.#ceiling.probe(inFlight, now)
      if (probeMs !== 0) return { kind: 'wait', waitMs: probeMs }
    }
    const waitMs = this.#named.rates.waitMs(tokens, now, this.#clock.wallMs())
    if (waitMs === 0) return { kind: 'now' }
    const refusal = ratesRefusal(this.#named, tokens, lateAt, this.#clock)
    return refusal === null ? { kind: 'wait', waitMs } : { kind: 'too-late', refusal }
  }

  /** The vendor refused a request for concurrency while `besides` others were in flight: nothing starts for a while. */
  refused(besides: number): void {
    const now = this.#clock.now()
    this.#ceiling.refused(besides, now)
    const pauseMs = this.#ceiling.pauseMs * (0.5 + this.#random() / 2)
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pauseMs)
  }
}
