// The front-door limits that a key or a team brings with it, in the door's own terms.

import { ownValue } from '../lib/own-value.ts'

/** Limits of a key that has some; null: the configured ones. A fifth of a minute's requests may come at once, as for everybody. */
export function ownLimits(
  key: { readonly requestsPerMinute: number | null } | null,
): { readonly requestsPerMinute: number; readonly burst: number } | null {
  if (key?.requestsPerMinute == null) return null
  return { requestsPerMinute: key.requestsPerMinute, burst: burstOf(key.requestsPerMinute) }
}

/** Limits of the team of that name; null: it has none. */
export function teamLimits(
  teams: Readonly<Record<string, { readonly requestsPerMinute: number; readonly concurrency: number }>>,
  name: string,
): { readonly requestsPerMinute: number; readonly burst: number; readonly concurrency: number } | null {
  const team = ownValue(teams, name)
  if (team === undefined) return null
  const { requestsPerMinute, concurrency } = team
  return { requestsPerMinute, burst: burstOf(requestsPerMinute), concurrency }
}

function burstOf(requestsPerMinute: number): number {
  return Math.max(1, Math.ceil(requestsPerMinute / 5))
}
