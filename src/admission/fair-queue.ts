// The fair queue of one quota group: principals by weight, then their clients equally, then first in first out.
//
// A released slot wakes the principal with the least service so far, not the oldest job: five windows of one user must not
// outvote one window of another. Pure: it neither waits nor tells time, and whoever owns it asks `next` when there is
// room. Bounded: when full, the newest job of the child most over its share goes, which may be one that waited.

import { assert } from '../lib/assert.ts'
import { bytesBound, type FullScope } from './queue-bounds.ts'
import { forgetClients, forgiveAll } from './queue-memory.ts'
import { clientsOf, firstCome, firstOf, jobsOf, mostOverShare } from './queue-order.ts'
import { type Ahead, fairAhead, firstComeAhead } from './queue-outlook.ts'
import { clientOf, type JobOwner, type JobWish, settleIn } from './queue-owner.ts'
import {
  type ClientNode,
  type JobEstimate,
  link,
  type PrincipalNode,
  type QueuedJob,
  reestimate,
  unlink,
} from './queue-tree.ts'
import { VirtualTime } from './virtual-time.ts'

/** Bounds of one queue. */
export interface FairQueueLimits {
  readonly clientJobsMax: number
  /** Of what waits beside the heaviest; `queue-bounds.ts` has the whole rule. */
  readonly clientBytesMax: number
  readonly principalJobsMax: number
  readonly jobsMax: number
  /** A principal idle for so long is forgotten, and its clients with it. */
  readonly forgetAfterMs: number
}

/** Whether a job got a place. */
export type Placing<Payload> =
  | { readonly kind: 'queued'; readonly job: QueuedJob<Payload>; readonly eviction: Eviction<Payload> | null }
  | ({ readonly kind: 'full' } & Fullness<Payload>)

/** A bound that was reached. */
export interface Fullness<Payload> {
  readonly full: FullScope
  /** Of the jobs that count against it, the one that starts first, and so makes room. */
  readonly next: QueuedJob<Payload> | null
}

/** A job that still waits, has to go for another because of a bound, and is the caller's to cancel and to tell. */
export interface Eviction<Payload> extends Fullness<Payload> {
  readonly job: QueuedJob<Payload>
}

/** `fair`, or `first-come`: the plain queue that everybody else has, for comparison. */
export type QueueOrder = 'fair' | 'first-come'

/** Two levels of virtual time over lanes of jobs. `Payload` is the owner's. */
export class FairQueue<Payload> {
  readonly #limits: FairQueueLimits
  readonly #root = new VirtualTime<PrincipalNode<Payload>>()
  readonly #principals = new Map<string, PrincipalNode<Payload>>()
  #order: QueueOrder
  #sequence = 0
  #jobs = 0
  #nextSweepAt = 0

  constructor(limits: FairQueueLimits, order: QueueOrder = 'fair') {
    this.#limits = limits
    this.#order = order
  }

  /** Jobs that wait. */
  get size(): number {
    return this.#jobs
  }

  /** Principals with state, by name. */
  get principals(): ReadonlyMap<string, PrincipalNode<Payload>> {
    return this.#principals
  }

  /** How it is ordered now. */
  get order(): QueueOrder {
    return this.#order
  }

  /** What goes before a waiting job. */
  ahead(job: QueuedJob<Payload>): Ahead {
    return this.#order === 'fair'
      ? fairAhead(job, this.#root.waiting)
      : firstComeAhead(job, this.#root.waiting)
  }

  /** Every waiting job, in no order anybody may rely on. */
  jobs(): Generator<QueuedJob<Payload>> {
    return jobsOf(this.#root.waiting)
  }

  /** Every client that waits, in no order anybody may rely on. */
  clients(): Generator<ClientNode<Payload>> {
    return clientsOf(this.#root.waiting)
  }

  /** The job whose turn it is among those of one client; null when it does not wait. */
  nextOf({
    key,
    principal,
  }: Pick<ClientNode<Payload>, 'key'> & { principal: { key: string } }): QueuedJob<Payload> | null {
    return firstOf(this.#principals.get(principal.key)?.clients.get(key))
  }

  /** Expects other costs of all that wait, now that more is known. */
  reestimate(estimateOf: (payload: Payload) => JobEstimate): void {
    for (const job of this.jobs()) reestimate(job, estimateOf(job.payload))
  }

  /** Changes the order of all that wait. Back to `fair`, everybody begins equal. */
  setOrder(order: QueueOrder): void {
    if (this.#order === 'first-come') forgiveAll(this.#root, [...this.#principals.values()])
    this.#order = order
  }

  /** Changes a principal's share from now on; nothing is reset. */
  setWeight(principal: string, weight: number): void {
    assert(weight > 0, 'a weight is above 0')
    const node = this.#principals.get(principal)
    if (node) node.weight = weight
  }

  /** Gives a job a place, or says which bound forbids it. A refused job changes no counter. */
  enqueue(wish: JobWish, payload: Payload, now: number): Placing<Payload> {
    if (now >= this.#nextSweepAt) this.sweep(now)
    const client = clientOf(this.#principals, wish)
    const { principal } = client
    const full = this.#ownBound(client, wish) ?? this.#sharedBound(principal)
    let eviction: Eviction<Payload> | null = null
    if (full) {
      const next = this.#nextIn(full, client)
      const evicted = this.#toEvict(full, client)
      if (!evicted) return { kind: 'full', full, next }
      eviction = { job: evicted, full, next }
    }

    const job: QueuedJob<Payload> = {
      payload,
      lane: settleIn(this.#principals, client, wish),
      sequence: this.#sequence++,
      estimate: wish.estimate,
      holdMs: wish.holdMs ?? 0,
      knownMs: wish.knownMs ?? 0,
      bytes: wish.bytes,
      deadlineAt: wish.deadlineAt,
      state: 'waiting',
      charges: [0, 0, 0],
      before: null,
      after: null,
    }
    this.#place(job, 'join')
    return { kind: 'queued', job, eviction }
  }

  /** The job whose turn it is, still waiting; null when nobody waits. */
  peek(): QueuedJob<Payload> | null {
    if (this.#order === 'first-come') return firstCome(this.#root.waiting)
    return firstOf(this.#root.next?.level.next)
  }

  /** Takes the waiting job `peek` showed into flight and charges its estimate on every level. */
  start(job: QueuedJob<Payload>): void {
    assert(job.state === 'waiting', 'only a waiting job starts')
    const { lane } = job
    const { client } = lane
    const { principal } = client
    this.#withdraw(job)
    job.state = 'in-flight'
    job.charges = [
      client.level.charge(lane, job.estimate),
      principal.level.charge(client, job.estimate),
      this.#root.charge(principal, job.estimate),
    ]
  }

  /** Ends a job in flight and replaces its estimate by its true cost. */
  finish(job: QueuedJob<Payload>, cost: number, now: number): void {
    this.#settle(job, cost)
    job.state = 'gone'
    const { client } = job.lane
    client.served += cost
    const { principal } = client
    principal.served += cost
    principal.recent.add(cost, now)
    principal.idleSince = now
  }

  /** Returns a job in flight to the place it had: uncharged, before everything that came after it. */
  putBack(job: QueuedJob<Payload>): void {
    this.#settle(job, 0)
    job.state = 'waiting'
    this.#place(job, 'rejoin')
  }

  /**
   * Makes a job that waits or runs another's, who has waited for its answer as well, or the same one's in another class: it keeps its
   * order of arrival, and what it was charged is charged there. Among the others its own client stands where it stood. No bound forbids
   * it: nothing is added, and whoever gets it has a call of its own that waits.
   */
  move(job: QueuedJob<Payload>, owner: JobOwner): void {
    const runs = job.state === 'in-flight'
    if (runs) this.putBack(job)
    const { client } = job.lane
    this.#withdraw(job)
    job.lane = settleIn(this.#principals, clientOf(this.#principals, owner), owner)
    this.#place(job, 'join', job.lane.client === client ? 'rejoin' : 'join')
    if (runs) this.start(job)
  }

  /** Takes a waiting job out; no virtual time changes. O(log n). */
  cancel(job: QueuedJob<Payload>): void {
    assert(job.state === 'waiting', 'only a waiting job is cancelled')
    this.#withdraw(job)
    job.state = 'gone'
  }

  /** Forgets principals that have been idle for a whole period, and clients whose memory means nothing any more. */
  sweep(now: number): void {
    this.#nextSweepAt = now + this.#limits.forgetAfterMs / 4
    for (const [key, principal] of this.#principals) {
      const isIdle = principal.jobs === 0 && principal.inFlight === 0
      if (isIdle && now - principal.idleSince >= this.#limits.forgetAfterMs) {
        this.#principals.delete(key)
        continue
      }
      forgetClients(principal, 0)
    }
  }

  #place(job: QueuedJob<Payload>, how: 'join' | 'rejoin', above = how): void {
    const { lane } = job
    const { client } = lane
    const { principal } = client
    if (lane.jobs === 0) client.level[how](lane)
    if (client.jobs === 0) principal.level[above](client)
    if (principal.jobs === 0) this.#root[above](principal)
    this.#jobs++
    link(job)
  }

  #settle(job: QueuedJob<Payload>, cost: number): void {
    assert(job.state === 'in-flight', 'only a job in flight is settled')
    const { lane } = job
    lane.client.level.settle(lane, job.charges[0], cost)
    lane.client.principal.level.settle(lane.client, job.charges[1], cost)
    this.#root.settle(lane.client.principal, job.charges[2], cost)
  }

  #withdraw(job: QueuedJob<Payload>): void {
    const { lane } = job
    const { client } = lane
    const { principal } = client
    unlink(job)
    this.#jobs--
    if (lane.jobs === 0) client.level.leave(lane)
    if (client.jobs === 0) principal.level.leave(client)
    if (principal.jobs === 0) this.#root.leave(principal)
  }

  #ownBound(client: ClientNode<Payload>, wish: JobWish): FullScope | null {
    const { clientJobsMax, clientBytesMax } = this.#limits
    if (client.jobs >= clientJobsMax)
      return { scope: 'client', unit: 'jobs', limit: clientJobsMax, used: client.jobs }
    return bytesBound(client, wish.bytes, clientBytesMax)
  }

  #sharedBound(principal: PrincipalNode<Payload>): FullScope | null {
    const { principalJobsMax, jobsMax } = this.#limits
    if (principal.jobs >= principalJobsMax)
      return { scope: 'principal', unit: 'jobs', limit: principalJobsMax, used: principal.jobs }
    return this.#jobs < jobsMax ? null : { scope: 'provider', unit: 'jobs', limit: jobsMax, used: this.#jobs }
  }

  /** Whom to evict for one more job of `client`; null when that job is itself the most over its share. */
  #toEvict({ scope, unit }: FullScope, client: ClientNode<Payload>): QueuedJob<Payload> | null {
    // For bytes nobody goes: the lightest window would lose a question to a file.
    if (scope === 'client' || unit === 'bytes' || this.#order === 'first-come') return null
    const { principal } = client
    return mostOverShare(scope === 'provider' ? this.#root.waiting : [], principal, client)
  }

  #nextIn({ scope }: FullScope, client: ClientNode<Payload>): QueuedJob<Payload> | null {
    const { principal } = client
    if (scope === 'provider') return this.peek()
    if (scope === 'principal' && this.#order === 'first-come') return firstCome([principal])
    return firstOf(scope === 'client' ? client : principal.level.next)
  }
}
