// What one job has taken of its group's rates: one draw for each request it made. They are settled together, since a vendor's
// count of tokens is known for the job as a whole.

import type { VendorLimits } from '../domain/vendor-limits.ts'
import type { Clock } from '../lib/clock.ts'
import type { GroupRates, RateDraw } from './group-rates.ts'
import type { Waiter } from './waiter.ts'

/** One more request begins, and its draw is taken. */
export function takeDraw(rates: GroupRates, { draws, tokens, request }: Waiter, clock: Clock): void {
  draws.push(rates.take(tokens, clock.now(), clock.wallMs(), request.principal))
}

/** What the vendor said of its limits with the answer to the last request. */
export function hearLimits(rates: GroupRates, { draws }: Waiter, limits: VendorLimits, clock: Clock): void {
  const draw = draws.at(-1)
  if (draw) rates.hear(limits, draw, clock.now())
}

/** The vendor never worked on the last `requests` of them, and counts none of their tokens. */
export function giveBackUnbegun(rates: GroupRates, waiter: Waiter, requests: number): void {
  for (const draw of waiter.draws.splice(Math.max(0, waiter.draws.length - requests))) {
    rates.settle(draw, 0, false)
    waiter.unbegun++
  }
}

/** Ends all draws: so many tokens were used. Each takes what it had reserved, and the last one all the rest, a debt included. */
export function settleDraws(rates: GroupRates, draws: RateDraw[], tokens: number): void {
  const last = draws.at(-1)
  let left = tokens
  for (const draw of draws.splice(0)) {
    const own = draw === last ? left : Math.min(left, draw.tokens)
    rates.settle(draw, own, true)
    left -= own
  }
}

/** The vendor refused the last request before it began: that one is given back, what earlier ones took stays taken. */
export function giveBackDraws(rates: GroupRates, waiter: Waiter): void {
  const { draws } = waiter
  waiter.unbegun = 0
  const refused = draws.pop()
  if (refused) rates.settle(refused, 0, false)
  for (const draw of draws.splice(0)) rates.settle(draw, draw.tokens, true)
}
