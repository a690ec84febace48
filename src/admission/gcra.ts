// Rate limit by the generic cell rate algorithm: one number of state, no timers, an exact time to come back.
//
// The state is the theoretical arrival time (TAT). With T = period / limit and tau = burst * T, a request of cost n at
// `now` moves it to TAT' = max(TAT, now) + n*T and is admitted when TAT' - now <= tau; otherwise it fits again after
// TAT' - now - tau. In every window W at most burst + W/T requests pass. (ITU-T I.371; the caller stores the number.)

/** A rate: `limit` requests per `periodMs`, `burst` of them at once. */
export interface Rate {
  readonly intervalMs: number
  readonly toleranceMs: number
  readonly limit: number
  readonly burst: number
}

/** Builds a rate from requests a minute and a burst of at least 1. */
export function toRate(requestsPerMinute: number, burst: number): Rate {
  const intervalMs = 60_000 / requestsPerMinute
  return { intervalMs, toleranceMs: burst * intervalMs, limit: requestsPerMinute, burst }
}

/** State in which the whole burst is available. */
export const fullBucket = 0

/** The next state if one request at `now` fits. Never negative: else the milliseconds to wait, negated. */
export function spend(rate: Rate, arrival: number, now: number): number {
  const next = (arrival > now ? arrival : now) + rate.intervalMs
  const over = next - now - rate.toleranceMs
  return over > timeGrainMs ? -over : next
}

/** True when spending again would find the whole burst: the state may be forgotten without giving anything away. */
export function isFull(arrival: number, now: number): boolean {
  return arrival <= now
}

/** Requests that would be refused from here on at `now`, as people count: how much of the burst is used. */
export function used(rate: Rate, arrival: number, now: number): number {
  return Math.min(rate.burst, Math.max(0, Math.ceil((arrival - now) / rate.intervalMs - 1e-9)))
}

// Sums of fractions of a millisecond drift; a nanosecond is below what any clock here resolves.
const timeGrainMs = 1e-6
