// What one job has taken of its group's rates: one draw for each request it made. They are settled together, since a vendor's
// count of tokens is known for the job as a whole.

import type { GroupRates, RateDraw } from './group-rates.ts'

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
export function giveBackDraws(rates: GroupRates, draws: RateDraw[]): void {
  const refused = draws.pop()
  if (refused) rates.settle(refused, 0, false)
  for (const draw of draws.splice(0)) rates.settle(draw, draw.tokens, true)
}
