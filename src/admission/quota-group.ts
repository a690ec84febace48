// A quota group: an account at a vendor (and a model, where the vendor counts so), the thing whose capacity is finite and
// shared. Jobs wait in its fair queue and start when its ceiling and its rates have room; each holds a lease, released once.
//
//   acquire -> waiting --(turn, slot, rates)--> lease --release--> settled
//                 ^------ refusedByVendor: same place, uncharged, after a pause -------+
//
// Whoever waits takes a signal and a deadline; abort, deadline and eviction free the place at once.

import type { Refusal } from '../domain/refusal.ts'
import { assert } from '../lib/assert.ts'
import type { Timer } from '../lib/clock.ts'
import { Ceiling } from './ceiling.ts'
import { FairQueue, type QueueOrder } from './fair-queue.ts'
import { type GroupFact, groupFact } from './group-fact.ts'
import type { QuotaGroupOptions } from './group-options.ts'
import { type DayCount, GroupRates } from './group-rates.ts'
import { evicted, queueFull, tooLarge, tooSlow, wouldMissDeadline } from './group-refusals.ts'
import { HoldTimes } from './hold-times.ts'
import {
  type Lease,
  type LeaseRequest,
  newWaiter,
  type Settlement,
  stopWaiting,
  type Waiter,
} from './lease.ts'
import type { Ahead } from './queue-outlook.ts'
import type { QueuePlace } from './queue-place.ts'
import { Announcer, placeOf } from './queue-places.ts'
import type { QueuedJob } from './queue-tree.ts'

type Job = QueuedJob<Waiter>

/** The group. */
export class QuotaGroup {
  readonly #options: QuotaGroupOptions
  readonly #queue: FairQueue<Waiter>
  readonly #ceiling: Ceiling
  readonly #rates: GroupRates
  readonly #announcer: Announcer
  readonly #running = new Set<Job>()
  readonly #times: HoldTimes
  #pausedUntil = 0
  #wake: Timer | null = null
  #isPumping = false

  constructor(options: QuotaGroupOptions) {
    this.#options = options
    this.#queue = new FairQueue(options.queue)
    this.#ceiling = new Ceiling(options.ceiling)
    this.#times = new HoldTimes(options.firstEstimateMs)
    this.#rates = new GroupRates(options.rates)
    this.#announcer = new Announcer(options.clock, this.#queue, (job) => this.#place(job))
  }

  /**
   * Resolves with a lease, or with a refusal when the queue is full or too slow; rejects with the signal's reason. A lease
   * once granted is the caller's to release, even when its signal has been aborted since.
   */
  acquire(request: LeaseRequest): Promise<Lease | Refusal> {
    const { clock, name, waitMsMax } = this.#options
    const now = clock.now()
    if (request.signal.aborted) return Promise.reject(request.signal.reason)
    const tokens = request.inputTokens + request.outputTokensMax
    const rateMs = this.#rates.waitMs(tokens, now, clock.wallMs())
    if (rateMs === null) return Promise.resolve(tooLarge(name, tokens, this.#options.rates))
    const untilAt = Math.min(request.deadlineAt, now + waitMsMax)
    if (now + rateMs > untilAt) return Promise.resolve(wouldMissDeadline(name, rateMs, untilAt - now))
    return new Promise((resolve, reject) => {
      const waiter = newWaiter(request, tokens, now, untilAt, resolve, reject)
      const placing = this.#queue.enqueue(
        {
          ...request,
          estimate: this.#options.costs === 'tokens' ? tokens : this.#times.expectedMs(request.expectedMs),
          deadlineAt: untilAt,
        },
        waiter,
        now,
      )
      if (placing.kind === 'full') return resolve(queueFull(name, placing.full, this.#times.meanMs))
      const { job } = placing
      const place = this.#place(job)
      const waitMs = this.#queue.size > 1 || !this.#hasSlot ? (place.expectedWaitMs ?? 0) : 0
      if (now + waitMs > untilAt) {
        this.#queue.cancel(job)
        return resolve(wouldMissDeadline(name, waitMs, untilAt - now))
      }
      if (placing.evicted) this.#refuse(placing.evicted, evicted(name, this.#options.queue.jobsMax))
      this.#pump()
      if (job.state === 'waiting') this.#await(job, placing.evicted ? this.#place(job) : place)
    })
  }

  /** Jobs that hold a lease. */
  get inFlight(): number {
    return this.#running.size
  }

  /** Slots it may hold now: configured or learned. */
  get capacity(): number {
    return this.#ceiling.limit
  }

  /** Jobs that wait. */
  get waiting(): number {
    return this.#queue.size
  }

  /** Numbers for `inspect()`. `overdue` counts leases beyond their deadline: a leak, to stay 0. */
  inspect(): GroupFact {
    const now = this.#options.clock.now()
    this.#queue.sweep(now)
    return groupFact(this.#queue, this.#running, this.#ceiling.limit, now)
  }

  /** Fair, or first come first served, from now on. */
  setOrder(order: QueueOrder): void {
    this.#queue.setOrder(order)
    this.#announcer.changed()
  }

  /** Changes a principal's share from now on. */
  setWeight(principal: string, weight: number): void {
    this.#queue.setWeight(principal, weight)
    this.#announcer.changed()
  }

  /** What must survive a restart. */
  snapshot(): DayCount {
    return this.#rates.snapshot()
  }

  /** Takes up what survived. */
  restore(count: DayCount): void {
    this.#rates.restore(count)
  }

  #place(job: Job): QueuePlace {
    const ahead = this.#queue.ahead(job)
    return placeOf(job, ahead.jobs, this.#queue.size, this.#running.size, this.#waitMs(job, ahead))
  }

  /** How long a waiting job will wait, as far as anybody can know; null before the first job has ended. */
  #waitMs(job: Job, ahead: Ahead): number | null {
    const { meanMs } = this.#times
    if (meanMs === null) return null
    const now = this.#options.clock.now()
    // The more hopeful of two guesses: estimates made before anything was known must not refuse what fits.
    const byCountMs = ahead.jobs * meanMs
    const aheadMs = this.#options.costs === 'tokens' ? byCountMs : Math.min(byCountMs, ahead.work)
    const slotMs = this.#hasSlot ? aheadMs : aheadMs + this.#times.leftMs(now)
    return Math.max(slotMs / this.#ceiling.limit, this.#rates.queueMs(ahead.jobs, job.payload.tokens, now))
  }

  get #hasSlot(): boolean {
    return this.#running.size < this.#ceiling.limit
  }

  /** Starts whatever may start, in turn, and arms one timer for what waits on time alone. */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    this.#wake?.cancel()
    this.#wake = null
    for (;;) {
      const job = this.#queue.peek()
      if (job === null) break
      const now = this.#options.clock.now()
      if (job.deadlineAt <= now) {
        this.#expire(job)
        continue
      }
      const waitMs = this.#turnMs(job, now)
      if (waitMs === 0) this.#start(job, now)
      else {
        if (waitMs !== null) this.#wake = this.#options.clock.after(waitMs, () => this.#pump())
        break
      }
    }
    this.#isPumping = false
  }

  /** Milliseconds until the job in turn may start; null: when another ends. */
  #turnMs(job: Job, now: number): number | null {
    if (now < this.#pausedUntil) return this.#pausedUntil - now
    if (!this.#hasSlot) {
      const probeMs = this.#ceiling.probe(this.#running.size, now)
      if (probeMs !== 0) return probeMs
    }
    return this.#rates.waitMs(job.payload.tokens, now, this.#options.clock.wallMs())
  }

  #start(job: Job, now: number): void {
    const waiter = job.payload
    this.#queue.start(job)
    stopWaiting(waiter)
    waiter.draw = this.#rates.take(waiter.tokens, now, this.#options.clock.wallMs())
    this.#times.started(waiter, now)
    this.#running.add(job)
    this.#announcer.changed()
    waiter.resolve(this.#lease(job))
  }

  #lease(job: Job): Lease {
    const { payload: waiter } = job
    let isHeld = true
    const releaseAfter = (holdMs: number, settlement: Settlement | undefined): void => {
      if (!isHeld) return
      isHeld = false
      if (holdMs > 0) this.#options.clock.after(holdMs, () => this.#finish(job, settlement))
      else this.#finish(job, settlement)
    }
    return {
      deadlineAt: waiter.request.deadlineAt,
      waitedMs: waiter.startedAt - waiter.since,
      release: (settlement) => releaseAfter(0, settlement),
      releaseCut: (settlement) => releaseAfter(this.#options.cutHoldMs ?? 0, settlement),
      refusedByVendor: () => {
        assert(isHeld, 'a lease is given back once')
        isHeld = false
        return this.#putBack(job)
      },
      firstToken: (ms) => this.#ceiling.firstToken(ms, this.#options.clock.now()),
    }
  }

  #finish(job: Job, settlement: Settlement | undefined): void {
    const { payload: waiter } = job
    const now = this.#options.clock.now()
    const tokens = settlement ? settlement.inputTokens + settlement.outputTokens : waiter.tokens
    this.#running.delete(job)
    const heldMs = this.#times.stopped(waiter, now, true)
    this.#ceiling.succeeded()
    if (waiter.draw) this.#rates.settle(waiter.draw, tokens, true)
    const countsTokens = this.#options.rates.refundsTokens ? tokens : Math.max(tokens, waiter.tokens)
    this.#queue.finish(job, this.#options.costs === 'tokens' ? countsTokens : heldMs, now)
    this.#pump()
  }

  #putBack(job: Job): Promise<Lease | Refusal> {
    const { clock, random } = this.#options
    const { payload: waiter } = job
    const now = clock.now()
    this.#running.delete(job)
    this.#times.stopped(waiter, now, false)
    this.#ceiling.refused(this.#running.size, now)
    const pauseMs = Math.min(pauseMsMax, pauseMsFirst * 2 ** (this.#ceiling.refusalsInRow - 1))
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pauseMs * (0.5 + random() / 2))
    if (waiter.draw) this.#rates.settle(waiter.draw, 0, false)
    waiter.draw = null
    this.#queue.putBack(job)
    return new Promise((resolve, reject) => {
      waiter.resolve = resolve
      waiter.reject = reject
      this.#await(job, this.#place(job))
      this.#pump()
    })
  }

  #await(job: Job, place: QueuePlace): void {
    const { payload: waiter } = job
    const { signal } = waiter.request
    waiter.onAbort = () => {
      this.#withdraw(job)
      waiter.reject(signal.reason)
    }
    if (signal.aborted) {
      waiter.onAbort()
      return
    }
    signal.addEventListener('abort', waiter.onAbort, { once: true })
    const leftMs = waiter.untilAt - this.#options.clock.now()
    waiter.timer = this.#options.clock.after(leftMs, () => this.#expire(job))
    this.#announcer.arrived(job, place)
  }

  #expire(job: Job): void {
    const waitedMs = this.#options.clock.now() - job.payload.since
    this.#refuse(job, tooSlow(this.#options.name, waitedMs))
  }

  #refuse(job: Job, refusal: Refusal): void {
    this.#withdraw(job)
    job.payload.resolve(refusal)
  }

  #withdraw(job: Job): void {
    this.#queue.cancel(job)
    stopWaiting(job.payload)
    this.#announcer.changed()
    this.#pump()
  }
}

const pauseMsFirst = 250
const pauseMsMax = 10_000
