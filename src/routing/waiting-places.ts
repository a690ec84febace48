// Places of jobs that wait for a target to come back. They are in no queue, so they are counted here. Bounded; when all are taken, the
// principal with the most of them gives its newest to one that has fewer: nobody's flood takes the places of another.

/** One job's place. */
export interface WaitingPlace {
  /** Aborted when somebody with fewer places needed this one. */
  readonly taken: AbortSignal
  /** To be called once the wait is over, however it ended. */
  leave(): void
}

/** The places of all jobs. */
export class WaitingPlaces {
  readonly #sizeMax: number
  // By principal, oldest first; none without a place.
  readonly #held = new Map<string, Set<AbortController>>()
  #size = 0

  /** `sizeMax` is at least 1. */
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  /** Places that are taken. */
  get size(): number {
    return this.#size
  }

  /** A place for a job of this principal; null when all are taken, and nobody has more of them than it would have then. */
  enter(principal: string): WaitingPlace | null {
    const own = this.#held.get(principal) ?? new Set<AbortController>()
    if (this.#size >= this.#sizeMax && !this.#makeRoom(own.size + 1)) return null
    const place = new AbortController()
    own.add(place)
    this.#held.set(principal, own)
    this.#size++
    return { taken: place.signal, leave: () => this.#remove(principal, place) }
  }

  #makeRoom(morePlacesThan: number): boolean {
    let most: readonly [principal: string, places: Set<AbortController>] | null = null
    for (const entry of this.#held) {
      if (entry[1].size > (most?.[1].size ?? morePlacesThan)) most = entry
    }
    const newest = most === null ? undefined : [...most[1]].at(-1)
    if (most === null || newest === undefined) return false
    this.#remove(most[0], newest)
    newest.abort()
    return true
  }

  #remove(principal: string, place: AbortController): void {
    const places = this.#held.get(principal)
    if (!places?.delete(place)) return
    this.#size--
    if (places.size === 0) this.#held.delete(principal)
  }
}
