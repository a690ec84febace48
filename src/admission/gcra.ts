// Rate limit by the generic cell rate algorithm: one number of state, no timers, an exact time to come back.
//
// The state is the theoretical arrival time (TAT). With T = period / limit and tau = burst * T, a request of cost n at
// `now` moves it to TAT' = max(TAT, now) + n*T and is admitted when TAT' - now <= tau; otherwise it fits again after
// TAT' - now - tau. In every window W at most burst + W/T passes. (ITU-T I.371; the caller stores the number.)

/** A rate: `limit` units a minute, `burst` of them at once. Units are requests or tokens. */
export interface Rate {
  readonly intervalMs: number
  readonly toleranceMs: number
  readonly limit: number
  readonly burst: number
}

/** Builds a rate from units a minute and a burst of at least 1. */
export function toRate(unitsPerMinute: number, burst: number): Rate {
  const intervalMs = 60_000 / unitsPerMinute
  return { intervalMs, toleranceMs: burst * intervalMs, limit: unitsPerMinute, burst }
}

/** State in which the whole burst is available. */
export const fullBucket = 0

/** The next state if `cost` units at `now` fit. Never negative: else the milliseconds to wait, negated. */
export function spend(rate: Rate, arrival: number, now: number, cost = 1): number {
  const next = (arrival > now ? arrival : now) + cost * rate.intervalMs
  const over = next - now - rate.toleranceMs
  return over > timeGrainMs ? -over : next
}

/** True when no waiting ever makes `cost` units fit: to be refused for good, not for a while. */
export function neverFits(rate: Rate, cost: number): boolean {
  return cost > rate.burst
}

/** True when spending again would find the whole burst: the state may be forgotten without giving anything away. */
export function isFull(arrival: number, now: number): boolean {
  return arrival - now <= timeGrainMs
}

/** Units that would be refused from here on at `now`, as people count: how much of the burst is used. */
export function used(rate: Rate, arrival: number, now: number): number {
  return Math.min(rate.burst, Math.max(0, Math.ceil((arrival - now) / rate.intervalMs - 1e-9)))
}

/** The state under another rate: the units that were used stay used, as many as its burst has. */
export function rerated(from: Rate, to: Rate, arrival: number, now: number): number {
  if (arrival <= now) return arrival
  return now + Math.min(to.burst, (arrival - now) / from.intervalMs) * to.intervalMs
}

// Sums of fractions of a millisecond drift; a nanosecond is below what any clock here resolves.
const timeGrainMs = 1e-6
