// What the server added to each job: the call's time at the server (the moment it began until its end, from the server's
// own log) less the time the simulator itself took for it (from the simulator's own log). A call and a vendor request of
// the same job belong together if the request lies inside the call; where several do, in order of their ends, because a
// call ends right after its request.

import type { LoggedCall, VendorRequest } from './processes.ts'

/** One call with its vendor request. Milliseconds. */
export interface TimedCall {
  readonly call: LoggedCall
  readonly request: VendorRequest
  readonly vendorMs: number
  readonly addedMs: number
}

/** Clocks of two processes are read apart; log lines are rounded to the millisecond. */
const clockSlackMs = 5

/** Pairs the calls of one job with the vendor's requests of that job; calls without a request are left out. */
export function pairCalls(
  calls: readonly LoggedCall[],
  requests: readonly VendorRequest[],
): readonly TimedCall[] {
  const open = requests
    .filter((request) => request.outcome === 'answered')
    .toSorted((a, b) => a.endedAt - b.endedAt)
  return calls
    .filter((call) => call.failure === undefined)
    .toSorted((a, b) => a.time - b.time)
    .flatMap((call) => {
      const beganAt = call.time - call.ms
      const at = open.findIndex(
        (each) => each.startedAt >= beganAt - clockSlackMs && each.endedAt <= call.time + clockSlackMs,
      )
      const [request] = at < 0 ? [] : open.splice(at, 1)
      if (request === undefined) return []
      const vendorMs = request.endedAt - request.startedAt
      return [{ call, request, vendorMs, addedMs: Math.max(0, call.ms - vendorMs) }]
    })
}

/** The value below which `share` of the values lie. NaN when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
