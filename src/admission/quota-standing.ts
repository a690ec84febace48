// Where a quota stands, for people: what is used of it now, what is left, and when it is whole again.

import type { Quota } from './quota.ts'

/** A quota and how much of it is used or reserved. Milliseconds and the unit of the quota. */
export interface QuotaStanding extends Quota {
  readonly used: number
  /** Until all of it is there again, if nothing more is used. */
  readonly wholeInMs: number
}

/** Whose quotas are spoken of. */
export type QuotaOwners = Readonly<Record<Quota['scope'], string>>

const callers: QuotaOwners = { client: 'This window', principal: 'This key', team: 'Its team' }

/** A sentence a quota: `This key has 700 of 1000 tokens left today (UTC); all of it again in 7 h.` */
export function standingLines(
  standings: readonly QuotaStanding[],
  owners: QuotaOwners = callers,
): readonly string[] {
  return standings.map(({ scope, unit, period, limit, used, wholeInMs }) => {
    const isMoney = unit === 'micro-dollars'
    const left = Math.max(0, limit - used)
    const [shownLeft, shownLimit] = isMoney ? [left / 1e6, limit / 1e6] : [left, limit]
    const what = isMoney ? 'US dollars' : 'tokens'
    const time = { minute: 'this minute', day: 'today (UTC)', month: 'this month (UTC)' }[period]
    const again = period === 'minute' || used === 0 ? '' : `; all of it again in ${hours(wholeInMs)}`
    return `${owners[scope]} has ${shownLeft} of ${shownLimit} ${what} left ${time}${again}.`
  })
}

function hours(ms: number): string {
  const count = Math.ceil(ms / 3_600_000)
  return count < 72 ? `${count} h` : `${Math.ceil(count / 24)} days`
}
