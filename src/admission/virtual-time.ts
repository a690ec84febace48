// One level of virtual-time queueing: children that share something by weight. A child's virtual time is the service it has
// had, divided by its weight; the waiting child with the least is next. Service is charged as an estimate at dispatch and
// corrected at the end, so that a child cannot fill every slot before its first bill.
//
//      idle --(lift)--> waiting --(charge)--> in flight --(settle)--> idle
//
// (Virtual token counter, Sheng et al. 2024; the level's own clock as in WF2Q+, Bennett and Zhang 1997.)

import { type HeapItem, IndexedHeap } from './indexed-heap.ts'

/** What a child carries for its level. The level alone writes all but `weight`. */
export interface Sharer extends HeapItem {
  /** Above 0; may be changed at any time, and past service stays as it was charged. */
  weight: number
  virtual: number
  /** The part of `virtual` that is expected only: charges of jobs that run. */
  unsettled: number
  /** Jobs that run. */
  inFlight: number
  /** When it began to wait: among equals the older is first. */
  turn: number
  /** What it counts for in the level's clock: its weight while it waits or runs, else 0. */
  counted: number
}

/** Fields of a new child. */
export function newSharer(weight: number): Sharer {
  return { weight, virtual: 0, unsettled: 0, inFlight: 0, turn: 0, counted: 0, heapIndex: -1 }
}

/** Shares by weight. Knows only the children that wait; whoever owns them bounds them. */
export class VirtualTime<Child extends Sharer> {
  readonly #waiting = new IndexedHeap<Child>(
    (a, b) => a.virtual < b.virtual || (a.virtual === b.virtual && a.turn < b.turn),
  )
  /** Service given, shared out among all that waited or ran meanwhile: where a child with exactly its share would stand. */
  #clock = 0
  #counted = 0
  #floor = 0
  #stride = 0
  #turns = 0

  /** The child whose turn it is. */
  get next(): Child | null {
    return this.#waiting.least
  }

  /** Children that wait, in no order anybody may rely on. */
  get waiting(): readonly Child[] {
    return this.#waiting.items()
  }

  /**
   * Where a child stands that comes now: at the level's clock, and no lower than the waiting one that has really had least.
   * The clock rises with the service given, whoever had it: were it the waiting ones alone, children that come new with
   * every job would each take the place of the last one, and whoever stays would never be reached. What is charged for jobs
   * that run is a guess and counts for neither: a newcomer must not wait for service that nobody has had. Whoever is at or
   * below loses nothing by being forgotten.
   */
  get reference(): number {
    const waiting = this.#waiting.items()
    if (waiting.length === 0) return Math.max(this.#clock, this.#floor)
    let least = Number.POSITIVE_INFINITY
    for (const each of waiting) least = Math.min(least, settledOf(each))
    return Math.max(this.#clock, least)
  }

  /**
   * A child begins to wait. One that was idle is lifted to `reference`: time away banks no credit. One that has jobs
   * running may lag by one job behind the least waiting one, which is what it loses while its next one is on the way, and
   * by no more: else a trickle kept in flight for hours would save up for a burst.
   */
  join(child: Child): void {
    const { next } = this
    // Whoever has had as much as the least waiting one, and as the clock says, is not lifted: the walk is for those below.
    if (next === null || child.virtual < Math.max(next.virtual, this.#clock)) this.#lift(child)
    child.turn = this.#turns++
    this.#waiting.add(child)
    this.#count(child)
  }

  /** A child whose job was put back waits again, where it was: neither lifted nor behind its equals. */
  rejoin(child: Child): void {
    this.#waiting.add(child)
    this.#count(child)
  }

  /** A child has no job left that waits. */
  leave(child: Child): void {
    this.#waiting.remove(child)
    this.#count(child)
  }

  /** Charges a job at its start; answers the virtual charge, for `settle`. */
  charge(child: Child, cost: number): number {
    const charged = cost / child.weight
    this.#floor = Math.max(this.#floor, settledOf(child))
    child.inFlight++
    child.unsettled += charged
    this.#count(child)
    this.#move(child, charged)
    return charged
  }

  /** Replaces a job's charge by its true cost at its end; 0 takes the charge back. */
  settle(child: Child, charged: number, cost: number): void {
    const had = cost / child.weight
    this.#floor = Math.max(this.#floor, settledOf(child))
    this.#stride = Math.max(had, this.#stride * strideDecay)
    this.#clock += cost / this.#counted
    child.inFlight--
    // Sums of fractions drift: who runs nothing owes exactly nothing.
    child.unsettled = child.inFlight === 0 ? 0 : child.unsettled - charged
    this.#count(child)
    this.#move(child, had - charged)
  }

  /** Raises a child's virtual time to `to`; one that is there already stays. */
  raise(child: Child, to: number): void {
    this.#move(child, Math.max(0, to - child.virtual))
  }

  #lift(child: Child): void {
    const { reference } = this
    const lagging = (this.next?.virtual ?? this.#floor) - this.#stride
    this.#clock = reference
    child.virtual = Math.max(child.virtual, child.inFlight > 0 ? Math.min(reference, lagging) : reference)
  }

  #count(child: Child): void {
    const counts = child.heapIndex >= 0 || child.inFlight > 0 ? child.weight : 0
    this.#counted += counts - child.counted
    child.counted = counts
  }

  #move(child: Child, by: number): void {
    child.virtual += by
    if (child.heapIndex >= 0) this.#waiting.update(child)
  }
}

function settledOf(child: Sharer): number {
  return child.virtual - child.unsettled
}

// The largest recent service; an unusual one is forgotten after some hundred jobs.
const strideDecay = 0.99
