// One level of virtual-time queueing: children that share something by weight. A child's virtual time is the service it has
// had, divided by its weight; the waiting child with the least is next. Service is charged as an estimate at dispatch and
// corrected at the end, so that a child cannot fill every slot before its first bill.
//
//      idle --(lift)--> waiting --(charge)--> in flight --(settle)--> idle
//
// (Virtual token counter, Sheng et al. 2024; start-time fair queueing, Goyal et al. 1996.)

import { type HeapItem, IndexedHeap } from './indexed-heap.ts'

/** What a child carries for its level. The level alone writes `virtual`, `turn` and `heapIndex`. */
export interface Sharer extends HeapItem {
  /** Above 0; may be changed at any time, and past service stays as it was charged. */
  weight: number
  virtual: number
  /** Jobs that run. */
  inFlight: number
  /** When it began to wait: among equals the older is first. */
  turn: number
}

/** Fields of a new child. */
export function newSharer(weight: number): Sharer {
  return { weight, virtual: 0, inFlight: 0, turn: 0, heapIndex: -1 }
}

/** Shares by weight. Knows only the children that wait; whoever owns them bounds them. */
export class VirtualTime<Child extends Sharer> {
  readonly #waiting = new IndexedHeap<Child>(
    (a, b) => a.virtual < b.virtual || (a.virtual === b.virtual && a.turn < b.turn),
  )
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

  /** Where a child stands that comes back now: whoever is at or below loses nothing by being forgotten. */
  get reference(): number {
    return this.#waiting.least?.virtual ?? this.#floor
  }

  /**
   * A child begins to wait. One that was idle is lifted to the least waiting one: time away banks no credit. One that has
   * jobs running may lag by one job, which is what it loses while its next one is on the way, and by no more: else a
   * trickle kept in flight for hours would save up for a burst.
   */
  join(child: Child): void {
    const lag = child.inFlight > 0 ? this.#stride : 0
    child.virtual = Math.max(child.virtual, this.reference - lag)
    child.turn = this.#turns++
    this.#waiting.add(child)
  }

  /** A child whose job was put back waits again, where it was: neither lifted nor behind its equals. */
  rejoin(child: Child): void {
    this.#waiting.add(child)
  }

  /** A child has no job left that waits. */
  leave(child: Child): void {
    this.#waiting.remove(child)
  }

  /** Charges a job at its start; answers the virtual charge, for `settle`. */
  charge(child: Child, cost: number): number {
    const charged = cost / child.weight
    this.#floor = Math.max(this.#floor, child.virtual)
    this.#stride = Math.max(charged, this.#stride * strideDecay)
    child.inFlight++
    this.#move(child, charged)
    return charged
  }

  /** Replaces a job's charge by its true cost at its end; 0 takes the charge back. */
  settle(child: Child, charged: number, cost: number): void {
    child.inFlight--
    this.#move(child, cost / child.weight - charged)
  }

  /** Raises a child's virtual time to `to`; one that is there already stays. */
  raise(child: Child, to: number): void {
    this.#move(child, Math.max(0, to - child.virtual))
  }

  #move(child: Child, by: number): void {
    child.virtual += by
    if (child.heapIndex >= 0) this.#waiting.update(child)
  }
}

// The largest recent charge; an unusual one is forgotten after some hundred jobs.
const strideDecay = 0.99
