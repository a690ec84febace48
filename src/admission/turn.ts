// When the job whose turn it is may start: after the pause that a refusal asked for, with a slot, and when the rates have room.
// A job that the rates cannot let go before its time is over is not waited for: those behind it may fit.

import type { Refusal } from '../domain/refusal.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { Ceiling } from './ceiling.ts'
import type { QueuedJob } from './queue-tree.ts'
import { type NamedRates, ratesRefusal } from './rates-refusal.ts'
import type { Waiter } from './waiter.ts'

/** What the job in turn waits for; times in milliseconds. */
export type Turn =
  | { readonly kind: 'now' }
  /** Null: until another ends, or another group of the account has gone first. */
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

  /** Of a job that may wait until `lateAt`, while `inFlight` run. */
  of({ payload, lane }: QueuedJob<Waiter>, lateAt: number, inFlight: number): Turn {
    const { tokens } = payload
    const now = this.#clock.now()
    const slotMs = this.#slotMs(inFlight, now)
    if (slotMs !== 0) return this.#aside({ kind: 'wait', waitMs: slotMs })
    const { rates } = this.#named
    const waitMs = rates.waitMs(tokens, now, this.#clock.wallMs())
    if (waitMs !== 0) {
      const refusal = ratesRefusal(this.#named, tokens, lateAt, this.#clock)
      if (refusal !== null) return { kind: 'too-late', refusal }
      if (rates.heardMs(tokens, now) > 0) return this.#aside({ kind: 'wait', waitMs })
    }
    if (!rates.isTurn(lane.client.principal)) return { kind: 'wait', waitMs: null }
    return waitMs === 0 ? { kind: 'now' } : { kind: 'wait', waitMs }
  }

  // Whoever waits for something of its own holds nobody up who shares the rates.
  #aside(turn: Turn): Turn {
    this.#named.rates.stepAside()
    return turn
  }

  #slotMs(inFlight: number, now: number): number | null {
    if (now < this.#pausedUntil) return this.#pausedUntil - now
    return inFlight >= this.#ceiling.limit ? this.#ceiling.probe(inFlight, now) : 0
  }

  /** The vendor refused a request for concurrency while `besides` others were in flight: nothing starts for a while. */
  refused(besides: number): void {
    const now = this.#clock.now()
    this.#ceiling.refused(besides, now)
    const pauseMs = this.#ceiling.pauseMs * (0.5 + this.#random() / 2)
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pauseMs)
  }
}
