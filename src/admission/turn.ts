// Which job may start next, and when: after the pause that a refusal asked for, with a slot, and when the rates have room. Where groups
// share those, their line says whose job it is; else the group's own queue. A job that the rates cannot let go before its time is over
// is not waited for: those behind it may fit.

import type { Refusal } from '../domain/refusal.ts'
import { assert } from '../lib/assert.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { Ceiling } from './ceiling.ts'
import type { FairQueue } from './fair-queue.ts'
import type { QueuedJob } from './queue-tree.ts'
import { type NamedRates, ratesRefusal } from './rates-refusal.ts'
import type { Waiter } from './waiter.ts'

type Job = QueuedJob<Waiter>

/** What is next; times in milliseconds. */
export type Turn =
  | { readonly kind: 'now'; readonly job: Job }
  /** Null: until another ends, or another group of the account has gone first. */
  | { readonly kind: 'wait'; readonly waitMs: number | null }
  /** It has waited as long as it may. */
  | { readonly kind: 'over'; readonly job: Job }
  /** The rates have room for it after its time only; which of them has none, in the words of one that comes now. */
  | { readonly kind: 'too-late'; readonly job: Job; readonly refusal: Refusal }

/** What a group's turns depend on. */
interface TurnsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly queue: FairQueue<Waiter>
  readonly ceiling: Ceiling
  readonly named: NamedRates
  /** Until when a job may wait; asked again, since somebody with more time may wait for it by now. */
  lateAt(job: Job): number
}

/** The turns of one group. */
export class Turns {
  readonly #options: TurnsOptions
  #pausedUntil = 0

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  /** What is next while `inFlight` run; null: nobody waits. */
  next(inFlight: number): Turn | null {
    const { queue, clock, named } = this.#options
    const head = queue.peek()
    if (head === null) return null
    const now = clock.now()
    if (this.#isOver(head, now)) return { kind: 'over', job: head }
    const slotMs = this.#slotMs(inFlight, now)
    if (slotMs !== 0) return this.#aside(slotMs)
    const headMs = this.#ratesMs(head, now)
    if (typeof headMs !== 'number') return headMs
    if (headMs === 0 && !named.rates.isLine) return { kind: 'now', job: head }
    const payer = named.rates.turn(head.payload.since)
    if (payer === null) return { kind: 'wait', waitMs: null }
    const job = payer === 'first-come' ? head : queue.nextOf(payer)
    assert(job !== null, 'who is first in line for a group waits in it')
    if (job !== head && this.#isOver(job, now)) return { kind: 'over', job }
    const waitMs = job === head ? headMs : this.#ratesMs(job, now)
    if (typeof waitMs !== 'number') return waitMs
    return waitMs === 0 ? { kind: 'now', job } : { kind: 'wait', waitMs }
  }

  /** How long nothing starts because of such a refusal, in milliseconds. */
  pauseMs(now: number): number {
    return Math.max(0, this.#pausedUntil - now)
  }

  /** The vendor refused a request for concurrency while `besides` others were in flight: nothing starts for a while. */
  refused(besides: number): void {
    const { clock, random, ceiling } = this.#options
    const now = clock.now()
    ceiling.refused(besides, now)
    const pauseMs = ceiling.pauseMs * (0.5 + random() / 2)
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pauseMs)
  }

  // How long the account's rates keep a job; or what else is to be done about it.
  #ratesMs(job: Job, now: number): number | Turn {
    const { named, clock } = this.#options
    const { tokens } = job.payload
    const waitMs = named.rates.waitMs(tokens, now, clock.wallMs())
    if (waitMs === 0) return 0
    const refusal = ratesRefusal(named, tokens, this.#options.lateAt(job), clock)
    if (refusal !== null) return { kind: 'too-late', job, refusal }
    if (waitMs === null || named.rates.heardMs(tokens, now) > 0) return this.#aside(waitMs)
    return waitMs
  }

  // Whoever waits for something of its own holds nobody up who shares the rates.
  #aside(waitMs: number | null): Turn {
    this.#options.named.rates.stepAside()
    return { kind: 'wait', waitMs }
  }

  #isOver(job: Job, now: number): boolean {
    return job.deadlineAt <= now && this.#options.lateAt(job) <= now
  }

  #slotMs(inFlight: number, now: number): number | null {
    const pauseMs = this.pauseMs(now)
    if (pauseMs > 0) return pauseMs
    const { ceiling } = this.#options
    return inFlight >= ceiling.limit ? ceiling.probe(inFlight, now) : 0
  }
}
