// The service somebody had of late: what was settled, of which every minute takes half away. For people, beside an entitlement of now;
// what is fair is decided by virtual time, which forgets nothing.

/** One's service of late, in the group's unit. */
export class RecentService {
  #amount = 0
  #at = 0

  /** Counts a cost that was settled at `now`, in monotonic milliseconds. */
  add(cost: number, now: number): void {
    this.#amount = this.at(now) + cost
    this.#at = now
  }

  /** What is left of it at `now`. */
  at(now: number): number {
    return this.#amount * 2 ** ((this.#at - now) / halfLifeMs)
  }
}

const halfLifeMs = 60_000
