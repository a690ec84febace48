// A quota group: an account at a vendor (and a model, where the vendor counts so), the thing whose capacity is finite and
// shared. Jobs wait in its fair queue and start when its ceiling and its rates have room; each holds a lease, released once.
//
//   acquire -> waiting --(turn, slot, rates)--> lease --release--> settled
//                 ^------ refusedByVendor: same place, uncharged, after a pause -------+
//
// Whoever waits takes a signal and a deadline; abort, deadline and eviction free the place at once.

import type { Refusal } from '../domain/refusal.ts'
import type { Timer } from '../lib/clock.ts'
import { Ceiling } from './ceiling.ts'
import { FairQueue, type QueueOrder } from './fair-queue.ts'
import { FurtherRequests } from './further-requests.ts'
import { type GroupFact, groupFact } from './group-fact.ts'
import { type QuotaGroupOptions, unshared } from './group-options.ts'
import { GroupOutlook } from './group-outlook.ts'
import { GroupRates } from './group-rates.ts'
import { evicted, queueFull, tooSlow, wouldMissDeadline } from './group-refusals.ts'
import { HeldLease } from './held-lease.ts'
import { HoldTimes } from './hold-times.ts'
import { JobCosts, type TokenWish } from './job-costs.ts'
import { JobDraws } from './job-draws.ts'
import type { Lease, LeaseOwner, LeaseRequest, Settlement } from './lease.ts'
import type { QueuePlace } from './queue-place.ts'
import { Announcer } from './queue-places.ts'
import type { QueuedJob } from './queue-tree.ts'
import { type NamedRates, ratesRefusal } from './rates-refusal.ts'
import { Turns } from './turn.ts'
import { keepWaiting, newWaiter, stopWaiting, type Waiter, wishOf } from './waiter.ts'

type Job = QueuedJob<Waiter>

/** The group. */
export class QuotaGroup {
  readonly #options: QuotaGroupOptions
  readonly #queue: FairQueue<Waiter>
  readonly #ceiling: Ceiling
  readonly #rates: GroupRates
  readonly #named: NamedRates
  readonly #draws: JobDraws
  readonly #further: FurtherRequests
  readonly #announcer: Announcer
  readonly #running = new Set<Job>()
  readonly #times: HoldTimes
  readonly #costs: JobCosts
  readonly #turns: Turns
  readonly #outlook: GroupOutlook
  #wake: Timer | null = null
  #isPumping = false

  constructor(options: QuotaGroupOptions) {
    this.#options = options
    this.#queue = new FairQueue(options.queue)
    this.#ceiling = new Ceiling(options.ceiling)
    this.#times = new HoldTimes(options.firstEstimateMs)
    const { name, rates, line } = options.shared ?? unshared(options)
    this.#rates = new GroupRates(rates, line, { wake: () => this.#pump(), queue: this.#queue })
    this.#named = { name, rates: this.#rates, limits: rates.limits }
    this.#draws = new JobDraws(this.#rates, options.clock)
    const [queue, ceiling, named] = [this.#queue, this.#ceiling, this.#named]
    this.#turns = new Turns({ ...options, queue, ceiling, named, lateAt: (job) => this.#lateAt(job) })
    this.#costs = new JobCosts(options.costs, options.rates, this.#times)
    const [draws, costs, clock] = [this.#draws, this.#costs, options.clock]
    this.#further = new FurtherRequests({ named, costs, draws, clock, onChange: () => this.#pump() })
    const slots = {
      queue,
      ceiling,
      turns: this.#turns,
      times: this.#times,
      jobCosts: costs,
      inFlight: () => this.#running.size,
    }
    this.#outlook = new GroupOutlook({ ...options, ...slots, rates: this.#rates, further: this.#further })
    this.#announcer = new Announcer(options.clock, this.#queue, (job) => this.#outlook.place(job))
  }

  /**
   * Resolves with a lease, or with a refusal when the queue is full or too slow; rejects with the signal's reason. A lease
   * once granted is the caller's to release, even when its signal has been aborted since.
   */
  acquire(request: LeaseRequest): Promise<Lease | Refusal> {
    const { clock, name, waitMsMax } = this.#options
    const now = clock.now()
    if (request.signal.aborted) return Promise.reject(request.signal.reason)
    const tokens = this.#costs.tokensOf(request)
    this.#times.came(request.expectedMs)
    const untilAt = Math.min(request.deadlineAt, now + waitMsMax)
    const refusal = ratesRefusal(this.#named, tokens, untilAt, clock)
    if (refusal !== null) return Promise.resolve(refusal)
    return new Promise((resolve, reject) => {
      const waiter = newWaiter(request, tokens, now, resolve, reject)
      const wish = wishOf(request, this.#costs.expected(waiter), untilAt)
      const placing = this.#queue.enqueue(wish, waiter, now)
      if (placing.kind === 'full')
        return resolve(queueFull(name, placing.full, this.#outlook.roomMs(placing)))
      const { job, eviction } = placing
      const { place, leastWaitMs } = this.#outlook.look(job)
      const isQueued = place.waiting > 1 || this.#running.size >= this.capacity
      if (isQueued && now + leastWaitMs > untilAt) {
        this.#queue.cancel(job)
        const waitMs = Math.max(leastWaitMs, place.expectedWaitMs ?? 0)
        return resolve(wouldMissDeadline(name, waitMs, untilAt - now))
      }
      if (eviction) this.#refuse(eviction.job, evicted(name, eviction.full, this.#outlook.roomMs(eviction)))
      this.#pump()
      if (job.state === 'waiting') this.#await(job, eviction ? this.#outlook.place(job) : place)
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

  /** How long anything but its slots would keep such a job, if it came now. Milliseconds; 0: nothing would; infinite: for ever. */
  holdBackMs(wish: TokenWish): number {
    return this.#outlook.holdBackMs(this.#costs.tokensOf(wish))
  }

  /** Whether a job was ever served: what was learned of the vendor since is worth keeping. */
  get hasServed(): boolean {
    return this.#times.meanMs !== null
  }

  /** Whether something stands on it: jobs, what callers have had of late, or what its rates hold back. */
  get isNeeded(): boolean {
    const now = this.#options.clock.now()
    this.#queue.sweep(now)
    return this.#queue.principals.size > 0 || !this.#rates.isBlank(now)
  }

  /** Numbers for `inspect()`. `overdue` counts leases beyond their deadline: a leak, to stay 0. */
  inspect(): GroupFact {
    const { clock, costs } = this.#options
    const now = clock.now()
    this.#queue.sweep(now)
    const [rates, heldBack] = [this.#rates.facts(now, clock.wallMs()), this.#further.size]
    const [ceiling, partyOf] = [this.#ceiling.fact(now), (key: string) => this.#rates.partyOf(key)]
    return groupFact(this.#queue, this.#running, heldBack, ceiling, rates, costs, now, partyOf)
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

  /** Charges a job to another who waits for its answer too, in the class it has now, whether it waits or runs; not one that is over. */
  recharge(request: LeaseRequest, owner: LeaseOwner): void {
    const job = [...this.#running, ...this.#queue.jobs()].find(({ payload }) => payload.request === request)
    if (!job) return
    this.#queue.move(job, { ...owner, class: request.class })
    this.#draws.recharge(job)
    this.#announcer.changed()
    this.#pump()
  }

  /** Starts whatever may start, in turn, and arms one timer for what waits on time alone. */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    this.#wake?.cancel()
    // What runs goes before what waits: it keeps a slot until its vendor may be asked again.
    const furtherMs = this.#further.serve()
    this.#wake = furtherMs === null ? null : this.#options.clock.after(furtherMs, () => this.#pump())
    while (furtherMs === null) {
      const turn = this.#turns.next(this.#running.size)
      if (turn === null) break
      if (turn.kind === 'now') this.#start(turn.job)
      else if (turn.kind === 'over') this.#expire(turn.job)
      else if (turn.kind === 'too-late') this.#refuse(turn.job, turn.refusal)
      else {
        if (turn.waitMs !== null) this.#wake = this.#options.clock.after(turn.waitMs, () => this.#pump())
        break
      }
    }
    this.#isPumping = false
    if (furtherMs === null && this.#queue.size === 0) this.#rates.stepAside()
    this.#ceiling.loaded(this.#running.size, this.#options.clock.now())
    this.#rates.passOn()
  }

  #start(job: Job): void {
    const { payload: waiter, lane } = job
    this.#queue.start(job)
    stopWaiting(waiter)
    this.#rates.went(lane.client)
    this.#draws.take(job)
    this.#times.started(waiter, this.#options.clock.now())
    this.#running.add(job)
    this.#announcer.changed()
    waiter.resolve(this.#lease(job))
  }

  #lease(job: Job): Lease {
    const { payload: waiter } = job
    const { clock, cutHoldMs = 0 } = this.#options
    return new HeldLease(waiter, clock, cutHoldMs, {
      finish: (settlement, isServed) => this.#finish(job, settlement, isServed),
      refused: () => this.#turns.refused(this.#running.size - 1),
      putBack: () => this.#putBack(job),
      another: (wish) => this.#further.ask(job, wish),
      anotherRequest: () => this.#draws.take(job),
      unbegun: (requests) => {
        this.#draws.giveBackUnbegun(waiter, requests)
        this.#pump()
      },
      firstToken: (ms, model) => this.#ceiling.firstToken(ms, clock.now(), model),
      heard: (limits) => {
        this.#draws.hear(waiter, limits)
        if (limits.concurrency !== null) this.#ceiling.told(limits.concurrency, clock.now())
        this.#pump()
      },
    })
  }

  #finish(job: Job, settlement: Settlement | undefined, isServed: boolean): void {
    const { payload: waiter } = job
    const now = this.#options.clock.now()
    const taken = this.#costs.taken(waiter, settlement)
    const wasGuessing = !this.#times.isSure
    this.#running.delete(job)
    const heldMs = this.#times.stopped(waiter, now, isServed)
    if (isServed) this.#ceiling.succeeded()
    this.#draws.settle(waiter, taken.used)
    this.#queue.finish(job, this.#costs.settled(taken, heldMs), now)
    if (wasGuessing) this.#queue.reestimate((waiting) => this.#costs.expected(waiting))
    this.#pump()
  }

  #putBack(job: Job): Promise<Lease | Refusal> {
    const { payload: waiter } = job
    this.#running.delete(job)
    this.#times.stopped(waiter, this.#options.clock.now(), false)
    this.#turns.refused(this.#running.size)
    this.#draws.giveBack(waiter)
    this.#queue.putBack(job)
    // It had its turn in time, and begins to wait anew; once, so that a vendor that always refuses leaves time for another.
    waiter.sentBackAt ??= this.#options.clock.now()
    return new Promise((resolve, reject) => {
      waiter.resolve = resolve
      waiter.reject = reject
      this.#await(job, this.#outlook.place(job))
      this.#pump()
    })
  }

  #await(job: Job, place: QueuePlace): void {
    const { payload: waiter } = job
    const isWaiting = keepWaiting(waiter, this.#options.clock, {
      lateAt: () => this.#lateAt(job),
      onLate: () => this.#expire(job),
      onAbort: () => {
        this.#withdraw(job)
        waiter.reject(waiter.request.signal.reason)
      },
    })
    if (isWaiting) this.#announcer.arrived(job, place)
  }

  #lateAt(job: Job): number {
    const { request, since, sentBackAt } = job.payload
    job.deadlineAt = Math.min(request.deadlineAt, (sentBackAt ?? since) + this.#options.waitMsMax)
    return job.deadlineAt
  }

  #expire(job: Job): void {
    const waitedMs = this.#options.clock.now() - (job.payload.sentBackAt ?? job.payload.since)
    this.#refuse(job, tooSlow(this.#options.name, waitedMs, this.#outlook.place(job).expectedWaitMs))
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
