// A rate whose cost is known only afterwards: taken as an estimate, settled to what it was. One number of state as in
// gcra.ts, and one more for each open draw: the state as if that draw had never been, below which no refund may go.

import { fullBucket, neverFits, type Rate, rerated, spend, used } from './gcra.ts'

/** An open draw; settled exactly once. */
export interface Draw {
  readonly cost: number
  /** Arrival time that the later draws alone would have led to. */
  others: number
}

/** Open draws are bounded by the caller, who holds a lease or a reservation for each. */
export class TokenBucket {
  #rate: Rate
  readonly #open = new Set<Draw>()
  #arrival: number

  /** `arrival` restores a state from an earlier life. */
  constructor(rate: Rate, arrival: number = fullBucket) {
    this.#rate = rate
    this.#arrival = arrival
  }

  /** The rate in force. */
  get rate(): Rate {
    return this.#rate
  }

  /** Another rate from `now` on: the units that were used stay used, those of open draws included. */
  rerate(rate: Rate, now: number): void {
    for (const draw of this.#open) draw.others = rerated(this.#rate, rate, draw.others, now)
    this.#arrival = rerated(this.#rate, rate, this.#arrival, now)
    this.#rate = rate
  }

  /** The state, for a snapshot. */
  get arrival(): number {
    return this.#arrival
  }

  /** Draws not yet settled. */
  get open(): number {
    return this.#open.size
  }

  /** Units in use at `now`, for people. */
  used(now: number): number {
    return used(this.rate, this.#arrival, now)
  }

  /** Milliseconds until `cost` fits if nobody else draws; 0: now; null: never. Changes nothing. */
  waitMs(cost: number, now: number): number | null {
    if (neverFits(this.rate, cost)) return null
    const next = spend(this.rate, this.#arrival, now, cost)
    return next < 0 ? -next : 0
  }

  /** Milliseconds until `cost` has passed in pieces that fit. */
  queueMs(cost: number, now: number): number {
    return Math.max(0, -spend(this.rate, this.#arrival, now, cost))
  }

  /** Draws what `waitMs` said fits. */
  take(cost: number, now: number): Draw {
    const weightMs = cost * this.rate.intervalMs
    this.#arrival = Math.max(this.#arrival, now) + weightMs
    for (const draw of this.#open) draw.others = Math.max(draw.others, now) + weightMs
    const draw: Draw = { cost, others: fullBucket }
    this.#open.add(draw)
    return draw
  }

  /** Replaces a draw's estimate by its true cost: a refund, or a debt that later draws wait for. */
  settle(draw: Draw, cost: number): void {
    const moveMs = (cost - draw.cost) * this.rate.intervalMs
    this.#arrival = moved(this.#arrival, moveMs, draw.others)
    for (const earlier of this.#open) {
      if (earlier === draw) break
      earlier.others = moved(earlier.others, moveMs, draw.others)
    }
    this.#open.delete(draw)
  }
}

function moved(arrival: number, byMs: number, floor: number): number {
  return byMs >= 0 ? arrival + byMs : Math.max(arrival + byMs, Math.min(arrival, floor))
}
