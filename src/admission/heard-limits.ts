// What a vendor says it still takes until its next reset, less what was begun since it said so. An answer may be older than
// others that are on their way: everything begun after its own request counts as not yet seen by the vendor. Once the reset is
// past one request goes ahead, and its answer tells: all that wait at once would find room for one.

import type { LimitReading, VendorLimits } from '../domain/vendor-limits.ts'

/** Where a request stood among all that were begun: what the vendor cannot have counted when it answered this one. */
export interface Begun {
  readonly requests: number
  readonly tokens: number
}

/** A reading as it stands now, for people. */
export interface HeardFact {
  readonly limit: number | null
  readonly remaining: number
  readonly resetMs: number
}

interface Reading {
  readonly limit: number | null
  readonly left: number
  readonly resetAt: number
  /** Whether the reset is past, and somebody is on the way to hear more. */
  readonly isStale: boolean
  /** Requests begun when it was said: a later word replaces an earlier one. */
  readonly order: number
}

/** What one group has heard. */
export class HeardLimits {
  #requests: Reading | null = null
  #tokens: Reading | null = null
  #begun: Begun = { requests: 0, tokens: 0 }

  /** A request of so many tokens begins. */
  begin(tokens: number, now: number): Begun {
    this.#begun = { requests: this.#begun.requests + 1, tokens: this.#begun.tokens + tokens }
    this.#requests = lessened(this.#requests, 1, now)
    this.#tokens = lessened(this.#tokens, tokens, now)
    return this.#begun
  }

  /** The vendor's word with the answer to the request that had `begun` so. */
  hear({ requests, tokens }: VendorLimits, begun: Begun, now: number): void {
    const newer = (known: Reading | null, word: LimitReading | null, unseen: number): Reading | null =>
      word === null || (known !== null && known.resetAt > now && known.order > begun.requests)
        ? known
        : {
            limit: word.limit,
            left: word.remaining - unseen,
            resetAt: now + Math.min(word.resetMs, resetMsMax),
            isStale: false,
            order: begun.requests,
          }
    this.#requests = newer(this.#requests, requests, this.#begun.requests - begun.requests)
    this.#tokens = newer(this.#tokens, tokens, this.#begun.tokens - begun.tokens)
  }

  /** Milliseconds until a job of so many tokens may start, as far as the vendor said. */
  waitMs(tokens: number, now: number): number {
    return Math.max(waitFor(this.#requests, 1, now), waitFor(this.#tokens, tokens, now))
  }

  /** What is known now, for people. */
  facts(now: number): { readonly requests: HeardFact | null; readonly tokens: HeardFact | null } {
    return { requests: factOf(this.#requests, now), tokens: factOf(this.#tokens, now) }
  }
}

// Past its reset a reading lets one job go, and is forgotten when that one brought no other.
function lessened(reading: Reading | null, amount: number, now: number): Reading | null {
  if (reading === null) return null
  if (now < reading.resetAt) return { ...reading, left: reading.left - amount }
  if (reading.isStale) return null
  return { ...reading, left: Math.max(0, reading.left - amount), resetAt: now + scoutMs, isStale: true }
}

// Of a job larger than the whole limit the vendor itself may judge, at the reset.
function waitFor(reading: Reading | null, amount: number, now: number): number {
  if (reading === null || reading.left >= amount) return 0
  return Math.max(0, reading.resetAt - now)
}

function factOf(reading: Reading | null, now: number): HeardFact | null {
  if (reading === null || reading.isStale || reading.resetAt <= now) return null
  return {
    limit: reading.limit,
    remaining: Math.max(0, Math.floor(reading.left)),
    resetMs: Math.ceil(reading.resetAt - now),
  }
}

// How long one job may be on its way alone.
const scoutMs = 10_000
// A vendor's clock may be wrong by years: after this long it is asked again.
const resetMsMax = 3_600_000
