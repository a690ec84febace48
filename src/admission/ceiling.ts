// How many requests a quota group takes at once: configured, else as the vendor says, else learned from its refusals, and from first
// tokens that come late.
//
//   limit --refused with n in flight--> max(1, n), the capacity just proved --full for `probeMs` without refusal--> +1
//         --full, and first tokens come late--> 0.9 of it, once for the requests that began since the last time
//
// A refusal shows the capacity exactly, so nothing is halved; a probe that holds makes the next come sooner, so that a
// ceiling that was lowered for a while is soon found again. Pure: the caller brings the time. In flight may be above the
// limit after a drop; what runs is never taken away. Late first tokens alone never raise it: a short wait proves no capacity.

import { FirstTokens } from './first-tokens.ts'

/** Options; times in milliseconds. */
export interface CeilingOptions {
  readonly start: number
  /** The configured cap, or a bound that no account reaches. */
  readonly max: number
  /** Whether `max` was configured: then what the vendor says of it changes nothing, only its refusals do. */
  readonly isConfigured?: boolean
  /** Demand must have met the limit for so long, without a refusal, before one more is tried. */
  readonly probeMs: number
  /** Whether late first tokens lower the limit too: where nothing is configured, and as long as the vendor names no limit. */
  readonly watchFirstToken: boolean
}

/** The ceiling of one group, for people. */
export interface CeilingFact {
  readonly limit: number
  /** `configured`: `max` binds. `vendor`: the vendor has said `max`. `learned`: below or without either. */
  readonly source: 'configured' | 'vendor' | 'learned'
  /** null: nobody knows. */
  readonly max: number | null
}

/** The ceiling of one group. */
export class Ceiling {
  readonly #options: CeilingOptions
  #limit: number
  #probeMs: number
  /** Since when the limit has been reached without a refusal; null: it is not. */
  #fullSince: number | null = null
  #refusals = 0
  readonly #firstTokens = new FirstTokens()
  #told: { readonly max: number; readonly until: number } | null = null

  constructor(options: CeilingOptions) {
    this.#options = options
    this.#limit = Math.max(1, Math.min(options.start, options.max))
    this.#probeMs = options.probeMs
  }

  /** Requests at once; at least 1. */
  get limit(): number {
    // Rounded: a tenth of 2 is not half of it, and only the third such verdict makes it 1.
    return Math.round(this.#limit)
  }

  /** How long to hold back after a refusal, in milliseconds: twice as long with each since the last success. */
  get pauseMs(): number {
    return Math.min(pauseMsMax, pauseMsFirst * 2 ** (this.#refusals - 1))
  }

  /**
   * Somebody waits while the limit is reached: answers the milliseconds until one more may be tried, and raises the limit
   * when that is 0. Without such demand there is nothing to learn. Null: never.
   */
  probe(inFlight: number, now: number): number | null {
    const max = this.#max(now)
    if (inFlight < this.limit || this.limit >= max) return null
    this.#fullSince ??= now
    const left = this.#fullSince + this.#probeMs - now
    if (left > 0) return left
    this.#limit = Math.min(max, this.limit + 1)
    this.#probeMs = this.#sooner(this.#probeMs)
    this.#fullSince = now
    return 0
  }

  /**
   * When each slot beyond the limit, and beyond those `taken`, may come at the earliest, in milliseconds from now: unless the vendor
   * says that it takes more.
   */
  *raisesMs(taken: number, now: number): Generator<number, void> {
    let at = this.#fullSince ?? now
    let probeMs = this.#probeMs
    for (let slots = this.limit; slots < this.#options.max; slots++) {
      at = Math.max(now, at + probeMs)
      probeMs = this.#sooner(probeMs)
      if (slots >= this.#max(at)) at = this.#told?.until ?? at
      if (slots >= taken) yield at - now
    }
  }

  /** So many are in flight now. Below the limit demand has fallen, and its time begins anew: idle time proves nothing. */
  loaded(inFlight: number, now: number): void {
    if (inFlight < this.limit) this.#fullSince = null
    else this.#fullSince ??= now
  }

  /** The vendor refused a request for concurrency while `besides` others were in flight. */
  refused(besides: number, now: number): void {
    this.#limit = Math.max(1, Math.min(this.#limit, besides))
    this.#refusals++
    this.#probeMs = this.#options.probeMs
    this.#fullSince = now
  }

  /** The vendor has said how many it takes at once: no probe goes beyond, for an hour. */
  told(max: number, now: number): void {
    if (this.#options.isConfigured === true) return
    this.#told = { max: Math.max(1, Math.floor(max)), until: now + toldMs }
    this.#limit = Math.min(this.#limit, this.#told.max)
  }

  /** Where the ceiling stands and who says so. */
  fact(now: number): CeilingFact {
    const max = this.#max(now)
    const isTold = this.#toldMax(now) !== null
    const isConfigured = this.#options.isConfigured === true
    const source = this.limit < max ? 'learned' : isConfigured ? 'configured' : isTold ? 'vendor' : 'learned'
    return { limit: this.limit, source, max: isConfigured || isTold ? max : null }
  }

  /** A request was answered. */
  succeeded(): void {
    this.#refusals = 0
  }

  /** A first token of `model` came after `ms`: when they come late while the limit is reached, it falls by a tenth. */
  firstToken(ms: number, now: number, model: string): void {
    if (!this.#options.watchFirstToken || this.#toldMax(now) !== null) return
    // Below the limit it is not our load that they wait for, and a lower one would change nothing.
    if (!this.#firstTokens.areLate(ms, now, model) || this.#fullSince === null) return
    this.#limit = Math.max(1, this.#limit * 0.9)
    this.#firstTokens.answered(now)
    this.#probeMs = this.#options.probeMs
    this.#fullSince = now
  }

  #sooner(probeMs: number): number {
    return Math.max(this.#options.probeMs / probeSpeedUpMax, probeMs / 2)
  }

  #toldMax(now: number): number | null {
    return this.#told !== null && now < this.#told.until ? this.#told.max : null
  }

  #max(now: number): number {
    return Math.min(this.#options.max, this.#toldMax(now) ?? Number.POSITIVE_INFINITY)
  }
}

const pauseMsFirst = 250
const pauseMsMax = 10_000
// An account may be given more: after so long it is tried again.
const toldMs = 3_600_000
// A probe comes at most this many times sooner than the first after a refusal.
const probeSpeedUpMax = 4
