// What jobs have taken of their group's rates: one draw for each request a job made. Those of one job are settled together, since a
// vendor's count of tokens is known for the job as a whole.

import type { VendorLimits } from '../domain/vendor-limits.ts'
import type { Clock } from '../lib/clock.ts'
import type { GroupRates } from './group-rates.ts'
import type { QueuedJob } from './queue-tree.ts'
import type { Waiter } from './waiter.ts'

/** Draws of one group's jobs. */
export class JobDraws {
  readonly #rates: GroupRates
  readonly #clock: Clock

  constructor(rates: GroupRates, clock: Clock) {
    this.#rates = rates
    this.#clock = clock
  }

  /** One more request begins, and its draw is taken: of the share of whose job it is now. */
  take({ payload, lane }: QueuedJob<Waiter>): void {
    const [now, wallMs] = [this.#clock.now(), this.#clock.wallMs()]
    payload.draws.push(this.#rates.take(payload.tokens, now, wallMs, lane.client))
  }

  /** The job is another's: so is what its requests that are on their way have taken. */
  recharge({ payload, lane }: QueuedJob<Waiter>): void {
    for (const draw of payload.draws.splice(0)) payload.draws.push(this.#rates.recharged(draw, lane.client))
  }

  /** What the vendor said of its limits with the answer to the last request. */
  hear({ draws }: Waiter, limits: VendorLimits): void {
    const draw = draws.at(-1)
    if (draw) this.#rates.hear(limits, draw, this.#clock.now())
  }

  /** The vendor never worked on the last `requests` of them, and counts none of their tokens. */
  giveBackUnbegun(waiter: Waiter, requests: number): void {
    for (const draw of waiter.draws.splice(Math.max(0, waiter.draws.length - requests))) {
      this.#rates.settle(draw, 0, false)
      waiter.unbegun++
    }
  }

  /** Ends all draws: so many tokens were used. Each takes what it had reserved, and the last one all the rest, a debt included. */
  settle({ draws }: Waiter, tokens: number): void {
    const last = draws.at(-1)
    let left = tokens
    for (const draw of draws.splice(0)) {
      const own = draw === last ? left : Math.min(left, draw.tokens)
      this.#rates.settle(draw, own, true)
      left -= own
    }
  }

  /** The vendor refused the last request before it began: that one is given back, what earlier ones took stays taken. */
  giveBack(waiter: Waiter): void {
    const { draws } = waiter
    waiter.unbegun = 0
    const refused = draws.pop()
    if (refused) this.#rates.settle(refused, 0, false)
    for (const draw of draws.splice(0)) this.#rates.settle(draw, draw.tokens, true)
  }
}
