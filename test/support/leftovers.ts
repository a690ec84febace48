// What must be gone when a test ends: the server's own books at zero, and nothing of this process still open. Every
// scenario ends with one of these two.

/** Reads `inspect()`; sessions may linger until they are reaped, everything else counts work in progress. */
export type Inspect = () => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>

// Names of counters of things that end with the work. Totals since the start, limits and idle sessions are other words; but for those of
// what nobody caught: a server survives that, and a test must not.
const busyNames =
  /^(?:inFlight|callsInFlight|running|waiting|queued|held|receiving|streams|subscriptions|connections|abandoned|lingering|flights|reservations|unhandled-rejection|uncaught-exception)$/

/** Counters in `inspected` that are above what is `own`ed by the asker, as `path: value`. */
export function busyCounters(inspected: unknown, own: Own = {}, path = ''): string[] {
  if (Array.isArray(inspected)) {
    return inspected.flatMap((each, index) => busyCounters(each, own, `${path}[${index}]`))
  }
  if (typeof inspected !== 'object' || inspected === null) return []
  return Object.entries(inspected).flatMap(([name, value]) => {
    const here = path === '' ? name : `${path}.${name}`
    if (typeof value !== 'number') return busyCounters(value, own, here)
    return busyNames.test(name) && value > (own[here] ?? 0) ? [`${here}: ${value}`] : []
  })
}

/** What the asker itself has open, by path in `inspect()`. */
export type Own = Readonly<Record<string, number>>

/** Who asks `GET /api/inspect` has one connection and one request open while it is answered. */
export const askedOverHttp: Own = { 'http.connections': 1, 'http.inFlight': 1 }

/** Waits until nothing is in progress; throws what still was after `withinMs`. The ends of sockets come by event. */
export async function nothingInProgress(inspect: Inspect, own: Own = {}, withinMs = 30_000): Promise<void> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const busy = busyCounters(await inspect(), own)
    if (busy.length === 0) return
    if (performance.now() > deadline) {
      throw new Error(`still in progress after ${withinMs} ms: ${busy.join(', ')}`)
    }
    await new Promise((done) => setTimeout(done, 20))
  }
}

// Handles that a test runner and Node itself keep open.
const harmless = new Set([
  'TTYWRAP',
  'PipeWrap',
  'MessagePort',
  'CloseReq',
  'FSReqPromise',
  'FSReqCallback',
  'Immediate',
])

/** Handles of this process by kind, as they are now: taken before a test, compared after it. */
export function openHandles(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    if (!harmless.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}

/** Waits until no more handles are open than `before`; throws what was left after `withinMs`. */
export async function nothingLeftOpen(before: ReadonlyMap<string, number>, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const left = [...openHandles()].filter(
      ([kind, count]) => kind !== 'Timeout' && count > (before.get(kind) ?? 0),
    )
    if (left.length === 0) return
    if (performance.now() > deadline) {
      throw new Error(
        `left open: ${left.map(([kind, count]) => `${count - (before.get(kind) ?? 0)} ${kind}`).join(', ')}`,
      )
    }
    await new Promise((done) => setTimeout(done, 20))
  }
}
