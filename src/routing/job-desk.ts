// Where tools hand in their jobs: decides whether an answer may be shared and with whom, then takes it from the cache, waits on a
// flight, or has the router make it. Says of an answer from the cache what it saved.

import { AnswerCache } from '../cache/cache.ts'
import type { CacheScope } from '../cache/cache-key.ts'
import { Flights } from '../cache/flights.ts'
import type { Identity } from '../domain/identity.ts'
import type { Progress } from '../domain/progress.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { RowFacts, RowKeeper } from '../ledger/row-keeper.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { JobKind } from '../providers/provider.ts'
import type { JobDraft } from './job-draft.ts'
import { toCachedEntry } from './ledger-entry.ts'
import type { JobRequest, Router } from './router.ts'
import { SharedAnswers, type SharedOutcome } from './shared-answers.ts'
import type { RoutedOutcome } from './vendor-site.ts'

/** Bounds of kept answers, and who shares them. Milliseconds and bytes. */
export interface SharingOptions {
  readonly bytesMax: number
  readonly freshMs: number
  readonly staleMs: number
  /** `principal` or `client`, and `team:NAME` for teams whose members share. */
  readonly namespace: readonly string[]
  /** Tools whose jobs are each made by themselves, however alike. */
  readonly alone: readonly string[]
}

/** Collaborators. */
export interface JobDeskOptions {
  readonly clock: Clock
  readonly random: Random
  readonly router: Pick<Router, 'run' | 'foremost'>
  readonly ledger: Pick<Ledger, 'price'>
  readonly rows: RowKeeper
  /** A vendor is about to be asked: its row will follow. */
  onWork?(): void
  readonly sharing: SharingOptions
}

/** What a tool says of a job's answer. */
export interface SharingWish {
  /** It may be kept and given again; a job at temperature 0 always may. */
  readonly isKept?: boolean
  /** This caller wants it made anew: not from the cache, and where it is not kept, not with identical jobs either. */
  readonly isFresh?: boolean
}

/** An answer and, when it comes from the cache, what the vendor would have charged. */
export interface DeskOutcome extends SharedOutcome {
  /** Null: not from the cache, or of unknown price. */
  readonly savedNanoUsd: bigint | null
}

const answerBytesMax = 4 * 1024 * 1024
const namespaceShare = 0.25
const flightsMax = 10_000
const replayBytesMax = 1024 * 1024
const endsWithinMs = 2_000
const noTokens = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 } as const
// To be raised when an adapter asks or reads differently while answers outlive it; they do not outlive the process now.
const adapterVersion = '1'

/** All jobs of all tools. */
export class JobDesk {
  readonly #options: JobDeskOptions
  readonly #cache: AnswerCache<RoutedOutcome>
  readonly #flights: Flights<Progress, RoutedOutcome>
  readonly #shared: SharedAnswers
  readonly #running = new Set<Promise<unknown>>()

  constructor(options: JobDeskOptions) {
    const { clock, random, rows, sharing } = options
    this.#options = options
    const { bytesMax, freshMs, staleMs } = sharing
    this.#cache = new AnswerCache({
      clock,
      random,
      bytesMax,
      namespaceShare,
      answerBytesMax,
      freshMs,
      staleMs,
    })
    // One run: the router retries by itself.
    this.#flights = new Flights({ clock, flightsMax, replayBytesMax, runsMax: 1 })
    this.#shared = new SharedAnswers({
      clock,
      cache: this.#cache,
      flights: this.#flights,
      onHit: (request, outcome, operation) => {
        const saved = this.#saved(outcome, operation) ?? 0n
        return rows.record(toCachedEntry(request, outcome, operation, saved, clock.wallMs()))
      },
    })
  }

  /** The answer: kept, on its way for an identical job of the namespace, or made. Throws as `Router.run`. */
  async run(draft: JobDraft, request: JobRequest, wish: SharingWish = {}): Promise<DeskOutcome> {
    const { namespace, alone } = this.#options.sharing
    const isKept = wish.isKept === true || (draft.kind === 'generate' && draft.temperature === 0)
    const wantsNew = wish.isFresh === true
    const isAlone = alone.includes(request.tool ?? '') || (wantsNew && !isKept)
    const foremost = isKept || !isAlone ? this.#options.router.foremost(draft, request) : null
    if (foremost === null) return { ...(await this.#make(draft, request)), shared: null, savedNanoUsd: null }
    const scope = scopeOf(request.identity, namespace)
    const subject = { ...foremost, adapterVersion, scope, isKept, isAlone, wantsNew }
    const outcome = await this.#shared.run(subject, request, (own) => this.#make(draft, own))
    const isHit = outcome.shared?.kind === 'cached'
    return { ...outcome, savedNanoUsd: isHit ? this.#saved(outcome, draft.kind) : null }
  }

  /** Numbers for `inspect()`. */
  inspect(): {
    readonly cache: ReturnType<AnswerCache<RoutedOutcome>['inspect']>
    readonly flights: { readonly flights: number; readonly waiters: number }
    readonly ledger: RowFacts
  } {
    return {
      cache: this.#cache.inspect(),
      flights: this.#flights.inspect(),
      ledger: this.#options.rows.inspect(),
    }
  }

  /** Ends what flies, waits a moment for the ends of attempts, and sees their rows to the disk. */
  async destroy(): Promise<void> {
    this.#flights.destroy()
    await this.#ended()
    await this.#options.rows.close()
  }

  #make(draft: JobDraft, request: JobRequest): Promise<RoutedOutcome> {
    this.#options.rows.assertRoom()
    this.#options.onWork?.()
    const making = this.#options.router.run(draft, request)
    this.#running.add(making)
    const forget = (): boolean => this.#running.delete(making)
    making.then(forget, forget)
    return making
  }

  async #ended(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(endsWithinMs, resolve)
      void Promise.allSettled([...this.#running]).then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  // A search is paid by the search: it saves money though nobody counts its tokens.
  #saved({ provider, model, usage }: RoutedOutcome, operation: JobKind): bigint | null {
    if (usage === null && operation === 'generate') return null
    const work = { provider, model, operation }
    return this.#options.ledger.price(work, usage ?? noTokens, this.#options.clock.wallMs())
  }
}

// A team shares only where the operator named it; everybody else keeps to the narrower word.
function scopeOf({ team }: Identity, namespace: readonly string[]): CacheScope {
  if (team !== null && namespace.includes(`team:${team}`)) return 'team'
  return namespace.includes('client') ? 'client' : 'principal'
}
