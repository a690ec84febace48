// What happened, counted at the vendor's side of the wire: requests by operation, most in flight, aborts, refusals, and
// a bounded log of requests. Wall-clock times in milliseconds, so that another process can compare them with its own.

import type { Operation } from './vendors.ts'

const logMax = 2000
const abortsMax = 1000
const modelsMax = 200
const codesMax = 200

/** How a request ended. `aborted`: the client closed before the end; `broken`: a fault of ours cut it. */
export type Outcome = 'open' | 'answered' | 'refused' | 'aborted' | 'broken'

/** One line of the requests log. */
export interface RequestLog {
  readonly id: number
  readonly operation: Operation
  readonly path: string
  /** The head of the last user text, the search query or the address to read. */
  about: string
  account: string
  model: string
  isStream: boolean
  /** Wall clock, ms since the epoch. */
  readonly startedAt: number
  firstByteAt: number | undefined
  endedAt: number | undefined
  outcome: Outcome
  status: number
  /** The vendor's error code, or the limit that refused. */
  code: string | undefined
  fault: string | undefined
  /** The simulator's own time for this answer, ms: what a caller measures beyond it was added on the way. */
  plannedMs: number
}

/** When and in which request a client closed before the end. */
export interface AbortLog {
  readonly id: number
  readonly at: number
  readonly operation: Operation
  readonly model: string
}

/** In flight now and at most, for one model or one vendor. */
export interface FlightCount {
  inFlight: number
  mostInFlight: number
}

/** The statistics of one vendor as GET /__stats shows them. */
export interface VendorStatistics extends FlightCount {
  readonly requests: Readonly<Record<string, number>>
  readonly models: Readonly<Record<string, FlightCount>>
  readonly refusals: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  readonly outcomes: Readonly<Record<Outcome, number>>
  readonly abortCount: number
  readonly aborts: readonly AbortLog[]
  readonly log: readonly RequestLog[]
}

function bump(counts: Map<string, number>, key: string): void {
  if (counts.has(key) || counts.size < codesMax) counts.set(key, (counts.get(key) ?? 0) + 1)
}

function remember<T>(list: T[], item: T, max: number): void {
  list.push(item)
  if (list.length > max) list.shift()
}

/** Counts for one vendor. */
export class VendorStats {
  #nextId = 1
  #requests = new Map<string, number>()
  #refusals = new Map<string, number>()
  #faults = new Map<string, number>()
  #models = new Map<string, FlightCount>()
  #flights: FlightCount = { inFlight: 0, mostInFlight: 0 }
  #outcomes: Record<Outcome, number> = { open: 0, answered: 0, refused: 0, aborted: 0, broken: 0 }
  #aborts: AbortLog[] = []
  #abortCount = 0
  #log: RequestLog[] = []

  /** A request arrived. */
  begin(operation: Operation, path: string): RequestLog {
    bump(this.#requests, operation)
    this.#outcomes.open++
    const entry: RequestLog = {
      id: this.#nextId++,
      operation,
      path,
      about: '',
      account: '',
      model: '',
      isStream: false,
      startedAt: Date.now(),
      firstByteAt: undefined,
      endedAt: undefined,
      outcome: 'open',
      status: 0,
      code: undefined,
      fault: undefined,
      plannedMs: 0,
    }
    remember(this.#log, entry, logMax)
    return entry
  }

  /** A request was let in; call the answer when it left. */
  enter(entry: RequestLog): () => void {
    const counts = [this.#flights]
    if (entry.model !== '') {
      const known = this.#models.get(entry.model)
      const model = known ?? { inFlight: 0, mostInFlight: 0 }
      if (!known && this.#models.size < modelsMax) this.#models.set(entry.model, model)
      counts.push(model)
    }
    for (const count of counts) count.mostInFlight = Math.max(count.mostInFlight, ++count.inFlight)
    let isInside = true
    return () => {
      if (!isInside) return
      isInside = false
      for (const count of counts) count.inFlight--
    }
  }

  /** A request was refused, by a limit, a rule or a fault. */
  refused(entry: RequestLog, code: string): void {
    entry.code = code
    bump(this.#refusals, code)
  }

  /** A fault struck. */
  faulted(entry: RequestLog, fault: string): void {
    entry.fault = fault
    bump(this.#faults, fault)
  }

  /** A request is over. Only the first call counts. */
  end(entry: RequestLog, outcome: Exclude<Outcome, 'open'>): void {
    if (entry.outcome !== 'open') return
    entry.outcome = outcome
    entry.endedAt = Date.now()
    this.#outcomes.open--
    this.#outcomes[outcome]++
    if (outcome !== 'aborted') return
    this.#abortCount++
    remember(
      this.#aborts,
      { id: entry.id, at: entry.endedAt, operation: entry.operation, model: entry.model },
      abortsMax,
    )
  }

  /** Everything as plain data, with the last `logMost` lines of the log; later changes do not show in it. */
  snapshot(logMost: number = logMax): VendorStatistics {
    return structuredClone({
      requests: Object.fromEntries(this.#requests),
      ...this.#flights,
      models: Object.fromEntries(this.#models),
      refusals: Object.fromEntries(this.#refusals),
      faults: Object.fromEntries(this.#faults),
      outcomes: this.#outcomes,
      abortCount: this.#abortCount,
      aborts: this.#aborts,
      log: logMost > 0 ? this.#log.slice(-logMost) : [],
    })
  }

  /** Starts the counts afresh; what is in flight stays counted as in flight. */
  reset(): void {
    this.#requests.clear()
    this.#refusals.clear()
    this.#faults.clear()
    for (const [model, count] of this.#models) {
      if (count.inFlight === 0) this.#models.delete(model)
      else count.mostInFlight = count.inFlight
    }
    this.#flights.mostInFlight = this.#flights.inFlight
    this.#outcomes = { open: this.#outcomes.open, answered: 0, refused: 0, aborted: 0, broken: 0 }
    this.#aborts = []
    this.#abortCount = 0
    this.#log = this.#log.filter((entry) => entry.outcome === 'open')
  }
}
