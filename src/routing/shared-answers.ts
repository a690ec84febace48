// Before a job is made: is its answer there already, or on its way? Cache, then flight, then the job itself.
//
//   key (namespace first) -> fresh or stale answer -> hit, at no cost; a stale one is made anew behind the caller's back, once
//                         -> nothing: the first caller makes it, identical callers of the namespace wait for the same
//
// Promises: nobody outside the namespace ever meets an answer; what was not whole is not kept; what another model answered in place
// of the one asked for is not kept under its name. Does not: decide who may share what; that comes with the request.

import type { AnswerCache, CacheHit } from '../cache/cache.ts'
import { type CacheScope, cacheKey, cacheNamespace } from '../cache/cache-key.ts'
import type { Flights } from '../cache/flights.ts'
import { CallFailure } from '../domain/failure.ts'
import type { Progress } from '../domain/progress.ts'
import type { Clock } from '../lib/clock.ts'
import type { Job, JobKind } from '../providers/provider.ts'
import { FlightRequest } from './flight-request.ts'
import type { JobRequest } from './router.ts'
import { untilSafe } from './row-patience.ts'
import type { RoutedOutcome } from './vendor-site.ts'

/** How an answer came without a job of one's own. Ages in milliseconds. */
interface SharedFact {
  readonly kind: 'cached' | 'flight'
  readonly ageMs: number
  /** True: past its time, served while a new one is made or because the vendor failed. */
  readonly isStale: boolean
}

/** An outcome that may be somebody else's. */
export interface SharedOutcome extends RoutedOutcome {
  /** null: made for this caller. */
  readonly shared: SharedFact | null
}

/** A job whose answer may be shared, and what decides it. */
export interface SharedSubject {
  readonly job: Job
  readonly provider: string
  readonly endpoint: string
  readonly model: string | null
  readonly adapterVersion: string
  readonly scope: CacheScope
  /** Whom a failure would fall back to. Two jobs that begin alike and fall back differently share no flight. */
  readonly fallbacks: readonly string[]
  /** Whether the answer may be kept: temperature 0, or the tool's own choice. */
  readonly isKept: boolean
  /** True: it waits for no identical job, and no other waits for it. */
  readonly isAlone: boolean
  /** True: a kept answer is no answer, unless the vendor fails. */
  readonly wantsNew: boolean
}

/** Collaborators. `onHit` writes the ledger's row of an answer that cost nothing. */
export interface SharedAnswersOptions {
  readonly clock: Clock
  readonly cache: AnswerCache<RoutedOutcome>
  readonly flights: Flights<Progress, RoutedOutcome>
  onHit?(request: JobRequest, outcome: RoutedOutcome, operation: JobKind): Promise<void> | void
}

const refreshMsMax = 240_000

/** Cache and flights before the router. */
export class SharedAnswers {
  readonly #options: SharedAnswersOptions
  #alone = 0

  constructor(options: SharedAnswersOptions) {
    this.#options = options
  }

  /** The answer, kept, shared or made. Throws what `make` throws, or the reason of the caller's own signal or deadline. */
  async run(
    subject: SharedSubject,
    request: JobRequest,
    make: (request: JobRequest) => Promise<RoutedOutcome>,
  ): Promise<SharedOutcome> {
    const namespace = cacheNamespace(request.identity, subject.scope)
    const key = namespace === null ? null : cacheKey({ ...subject, namespace })
    const isNobodyElses = subject.isAlone && !subject.isKept
    if (isNobodyElses || namespace === null || key === null) return { ...(await make(request)), shared: null }
    const hit = subject.isKept && !subject.wantsNew ? this.#options.cache.find(namespace, key) : null
    if (hit) {
      if (hit.refresh) void this.#refresh(subject, namespace, key, request, make, hit.refresh)
      return this.#serve(request, hit, subject.job.kind)
    }
    try {
      return await this.#fly(subject, namespace, key, request, make)
    } catch (error) {
      const kept =
        subject.isKept && isVendors(error) ? this.#options.cache.findForError(namespace, key) : null
      if (!kept) throw error
      return this.#serve(request, { ...kept, isStale: true }, subject.job.kind)
    }
  }

  async #serve(
    request: JobRequest,
    hit: CacheHit<RoutedOutcome>,
    operation: JobKind,
  ): Promise<SharedOutcome> {
    const row = this.#options.onHit?.(request, hit.answer, operation)
    if (row) await untilSafe(this.#options.clock, request.signal, row)
    return { ...hit.answer, shared: { kind: 'cached', ageMs: hit.ageMs, isStale: hit.isStale } }
  }

  async #fly(
    subject: SharedSubject,
    namespace: string,
    key: string,
    request: JobRequest,
    make: (request: JobRequest) => Promise<RoutedOutcome>,
  ): Promise<SharedOutcome> {
    const { clock, cache, flights } = this.#options
    const waiter = {
      identity: request.identity,
      callId: request.callId,
      tool: request.tool,
      signal: request.signal,
      deadlineAt: request.deadlineAt ?? clock.now() + refreshMsMax,
      isBackground: request.class === 'batch',
      onPart: (update: Progress) => request.progress(update),
    }
    const flightKey = subject.isAlone
      ? `${key} alone ${++this.#alone}`
      : [key, ...subject.fallbacks].join('\n')
    const { answer, isShared } = await flights.join(flightKey, waiter, async (pilot) => {
      const startedAt = clock.now()
      const outcome = await make(new FlightRequest(request, pilot))
      const isItsOwn = outcome.provider === subject.provider && outcome.model === subject.model
      if (subject.isKept && isItsOwn && hasContent(outcome)) {
        cache.store(namespace, key, outcome, {
          finish: outcome.finish,
          hasToolUses: false,
          bytes: weigh(outcome),
          tookMs: clock.now() - startedAt,
        })
      }
      return outcome
    })
    return { ...answer, shared: isShared ? { kind: 'flight', ageMs: 0, isStale: false } : null }
  }

  // Nobody waits for it: it goes behind everybody's own jobs until somebody does, and a failure is nobody's.
  async #refresh(
    subject: SharedSubject,
    namespace: string,
    key: string,
    request: JobRequest,
    make: (request: JobRequest) => Promise<RoutedOutcome>,
    permit: { release(): void },
  ): Promise<void> {
    const background: JobRequest = {
      ...request,
      class: 'batch',
      signal: new AbortController().signal,
      deadlineAt: this.#options.clock.now() + refreshMsMax,
      progress: () => {},
    }
    try {
      await this.#fly(subject, namespace, key, background, make)
    } catch {
      // The stale answer stays until its end, and the next caller may try again; the attempts are in the ledger.
    } finally {
      permit.release()
    }
  }
}

// An old answer helps where the vendor failed; it must not hide a caller's own fault or leaving.
const ofVendors: ReadonlySet<string> = new Set<CallFailure['code']>([
  'concurrency-limited',
  'rate-limited',
  'overloaded',
  'quota-exhausted',
  'account-blocked',
  'credential-rejected',
  'unreachable',
  'timeout',
  'provider-error',
  'truncated',
  'malformed-output',
])

// A vendor without a place in time failed too, in the words of its queue; not so a bound that is the caller's own.
function isVendors(error: unknown): boolean {
  if (!(error instanceof CallFailure)) return false
  return ofVendors.has(error.code) || error.refusal?.scope === 'provider'
}

// A search that found nothing may find something in a minute.
function hasContent({ text, sources }: RoutedOutcome): boolean {
  return text !== '' || sources.length > 0
}

function weigh({ text, sources }: RoutedOutcome): number {
  return 2 * (text.length + JSON.stringify(sources).length)
}
