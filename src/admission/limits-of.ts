// The front-door limits that a key or a team brings with it, in the door's own terms.

/** Limits of a key that has some; null: the configured ones. A fifth of a minute's requests may come at once, as for everybody. */
export function ownLimits(
  key: { readonly requestsPerMinute: number | null } | null,
): { readonly requestsPerMinute: number; readonly burst: number } | null {
  if (key?.requestsPerMinute == null) return null
  return { requestsPerMinute: key.requestsPerMinute, burst: burstOf(key.requestsPerMinute) }
}

/** Limits of a team; null: it has none. */
export function teamLimits(
  team: { readonly requestsPerMinute: number; readonly concurrency: number } | undefined,
): { readonly requestsPerMinute: number; readonly burst: number; readonly concurrency: number } | null {
  if (team === undefined) return null
  const { requestsPerMinute, concurrency } = team
  return { requestsPerMinute, burst: burstOf(requestsPerMinute), concurrency }
}

function burstOf(requestsPerMinute: number): number {
  return Math.max(1, Math.ceil(requestsPerMinute / 5))
}
