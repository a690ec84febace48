// Where a quota stands, for people: what is used of it now, what is left, and when it is whole again.

import type { Quota } from './quota.ts'

/** A quota and how much of it is used or reserved. Milliseconds and the unit of the quota. */
export interface QuotaStanding extends Quota {
  readonly used: number
  /** Until all of it is there again, if nothing more is used. */
  readonly wholeInMs: number
}

/** A line a quota: `your key: 700 of 1000 tokens left this day (UTC)`. */
export function standingLines(standings: readonly QuotaStanding[]): readonly string[] {
  return standings.map(({ scope, unit, period, limit, used, wholeInMs }) => {
    const isMoney = unit === 'micro-dollars'
    const left = Math.max(0, limit - used)
    const [shownLeft, shownLimit] = isMoney ? [left / 1e6, limit / 1e6] : [left, limit]
    const who = { client: 'This window', principal: 'This key', team: 'Its team' }[scope]
    const when = period === 'minute' || used === 0 ? '' : `; all of it again in ${hours(wholeInMs)}`
    const time = period === 'minute' ? 'this minute' : `this ${period} (UTC)`
    return `${who} has ${shownLeft} of ${shownLimit} ${isMoney ? 'US dollars' : 'tokens'} left ${time}${when}.`
  })
}

function hours(ms: number): string {
  const count = Math.ceil(ms / 3_600_000)
  return count < 72 ? `${count} h` : `${Math.ceil(count / 24)} days`
}
