// Answers kept for whoever may share them: bounded in bytes, least recently used first, and no namespace may hold more than its part,
// so that one caller's flood evicts its own answers.
//
//      stored --- fresh (10 min) ---> stale (60 min): served at once, one refresh in the background ---> gone
//
// Promises: only whole answers; nothing past its time is ever called fresh; at most one refresh of a key. Does not: ask anybody.

import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import { Shelf, type ShelfInspection, type StoredAnswer } from './shelf.ts'

/** Bounds; times in milliseconds. */
export interface AnswerCacheOptions {
  readonly clock: Clock
  readonly random: Random
  /** 256 MiB. */
  readonly bytesMax: number
  /** Part of `bytesMax` one namespace may hold: 0.25. */
  readonly namespaceShare: number
  /** One answer; larger ones are not kept. */
  readonly answerBytesMax: number
  /** 10 min, and 60 min beyond which even a stale answer is gone. */
  readonly freshMs: number
  readonly staleMs: number
}

/** What the cache must know of an answer to keep it. */
export interface AnswerFacts {
  readonly finish: string | null
  readonly hasToolUses: boolean
  /** In memory, as the caller counts. */
  readonly bytes: number
  /** How long it took to make: what is slow to make is refreshed earlier. */
  readonly tookMs: number
}

/** Leave to refresh one key; given back once, whatever came of it. */
export interface RefreshPermit {
  release(): void
}

/** An answer found. */
export interface CacheHit<Answer> {
  readonly answer: Answer
  readonly ageMs: number
  readonly isStale: boolean
  /** Not null: whoever gets it makes the answer anew in the background; nobody else does meanwhile. */
  readonly refresh: RefreshPermit | null
}

/** What is kept, and how often it was asked for. */
export interface CacheInspection extends ShelfInspection {
  readonly refreshing: number
  readonly hits: number
  readonly misses: number
}

/** Kept answers. */
export class AnswerCache<Answer> {
  readonly #options: AnswerCacheOptions
  readonly #shelf: Shelf<Answer>
  readonly #refreshing = new Set<string>()
  #hits = 0
  #misses = 0

  constructor(options: AnswerCacheOptions) {
    this.#options = options
    this.#shelf = new Shelf(options.bytesMax, Math.floor(options.bytesMax * options.namespaceShare))
  }

  /** The answer under `key`, fresh or stale; null: none. The namespace is also part of the key; here it is looked at once more. */
  find(namespace: string, key: string): CacheHit<Answer> | null {
    const hit = this.#look(namespace, key)
    if (hit === null) this.#misses++
    else this.#hits++
    return hit
  }

  #look(namespace: string, key: string): CacheHit<Answer> | null {
    const stored = this.#shelf.take(namespace, key)
    if (stored === null) return null
    const ageMs = this.#options.clock.now() - stored.storedAt
    if (ageMs >= this.#options.staleMs) {
      this.#shelf.remove(namespace, key)
      return null
    }
    const isStale = ageMs >= this.#options.freshMs
    const refresh = isStale || this.#isRefreshDue(stored, ageMs) ? this.#permitRefresh(key) : null
    return { answer: stored.answer, ageMs, isStale, refresh }
  }

  /** Any answer that is not gone, for a caller whose vendor has just failed; it must be told that and how old it is. */
  findForError(namespace: string, key: string): CacheHit<Answer> | null {
    const hit = this.#look(namespace, key)
    hit?.refresh?.release()
    return hit && { ...hit, refresh: null }
  }

  /** Keeps an answer if it is whole; says whether it did. */
  store(namespace: string, key: string, answer: Answer, facts: AnswerFacts): boolean {
    if (facts.finish !== 'stop' || facts.hasToolUses || facts.bytes > this.#options.answerBytesMax)
      return false
    const storedAt = this.#options.clock.now()
    return this.#shelf.put(namespace, key, { answer, bytes: facts.bytes, tookMs: facts.tookMs, storedAt })
  }

  /** Numbers for `inspect()`; hits and misses since the start. */
  inspect(): CacheInspection {
    return {
      ...this.#shelf.inspect(),
      refreshing: this.#refreshing.size,
      hits: this.#hits,
      misses: this.#misses,
    }
  }

  // XFetch (Vattani, Chierichetti, Lowenstein 2015): each reader of a fresh answer may be the one to refresh it, the likelier the nearer
  // its end and the longer it takes to make; so a popular answer is made anew before it ends, once.
  #isRefreshDue(stored: StoredAnswer<Answer>, ageMs: number): boolean {
    const early = -stored.tookMs * Math.log(1 - this.#options.random())
    return ageMs + early >= this.#options.freshMs
  }

  #permitRefresh(key: string): RefreshPermit | null {
    if (this.#refreshing.has(key)) return null
    this.#refreshing.add(key)
    let isHeld = true
    return {
      release: () => {
        if (isHeld) this.#refreshing.delete(key)
        isHeld = false
      },
    }
  }
}
