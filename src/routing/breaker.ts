// Health of one endpoint and model: stops attempts where the vendor is broken, and finds out by itself when it is whole.
//
//                 20 calls in 30 s, half of them bad; or 5 transport failures in a row
//        closed ------------------------------------------------------------------------> open (5 s * 2^(j-1) <= 300 s, +-20 %)
//          ^                                                                               |   ^
//          | 3 good probes                                                    time is over |   | 1 bad probe, j + 1
//          +------------------------------- half-open (one probe at a time) <--------------+---+
//
// Not a cooldown: a vendor that says "later" is healthy. What counts is in `breaker-verdict.ts`. An operator may set when it opens and
// for how long; the numbers above are the defaults.

import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { BreakerVerdict } from './breaker-verdict.ts'

/** The right to make one attempt. Settled exactly once; every later settlement is ignored. */
export interface BreakerPermit {
  readonly isProbe: boolean
  /** `ignored` gives the permit back and proves nothing: an aborted probe lets the next one try. */
  settle(verdict: BreakerVerdict): void
}

/** A change, for people and charts. */
export interface BreakerChange {
  readonly from: BreakerState
  readonly to: BreakerState
  /** How long it stays open; null unless it opened. */
  readonly openMs: number | null
}

/** Where a breaker stands. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** When it opens, and for how long. */
export interface BreakerLimits {
  /** So many calls within `windowMs` before their share of faults means anything. */
  readonly calls: number
  readonly windowMs: number
  /** Of a hundred calls so many bad ones open it. */
  readonly faultPercent: number
  /** So do as many transport failures in a row, whatever else was seen. */
  readonly inARow: number
  /** How long it stays open at first; twice as long each time, at most `openMsMax`. Give or take a fifth. */
  readonly openMs: number
  readonly openMsMax: number
}

/** What holds where nobody has said otherwise. */
export const breakerDefaults: BreakerLimits = {
  calls: 20,
  windowMs: 30_000,
  faultPercent: 50,
  inARow: 5,
  openMs: 5_000,
  openMsMax: 300_000,
}

/** Collaborators. `onChange` is told of every transition. */
export interface BreakerOptions {
  readonly clock: Clock
  readonly random: Random
  /** `breakerDefaults` when absent. */
  readonly limits?: BreakerLimits | undefined
  onChange?(change: BreakerChange): void
}

const bucketCount = 10
const probesToClose = 3
const decayMs = 600_000

type Phase =
  | { readonly kind: 'closed'; readonly since: number }
  | { readonly kind: 'open'; readonly until: number }
  | HalfOpen

interface HalfOpen {
  readonly kind: 'half-open'
  goodProbes: number
  isProbing: boolean
}

interface Bucket {
  period: number
  calls: number
  faults: number
}

/** One breaker. */
export class Breaker {
  readonly #options: BreakerOptions
  readonly #limits: BreakerLimits
  #phase: Phase
  #buckets: Bucket[] = []
  #transportFaults = 0
  // How often it opened without ten healthy minutes between: the exponent of the open time.
  #openings = 0
  // Counts phases, so that the end of an attempt begun in an earlier phase proves nothing about this one.
  #epoch = 0

  constructor(options: BreakerOptions) {
    this.#options = options
    this.#limits = options.limits ?? breakerDefaults
    this.#phase = { kind: 'closed', since: options.clock.now() }
  }

  /** Where it stands now. */
  get state(): BreakerState {
    this.#wake()
    return this.#phase.kind
  }

  /** Milliseconds until an attempt may be made; 0: now; null: a probe is out and nobody knows when it ends. */
  get waitMs(): number | null {
    this.#wake()
    if (this.#phase.kind === 'open') return this.#phase.until - this.#options.clock.now()
    return this.#phase.kind === 'half-open' && this.#phase.isProbing ? null : 0
  }

  /** A permit, or null while it is open or another probe is out. */
  acquire(): BreakerPermit | null {
    if (this.waitMs !== 0) return null
    const probed = this.#phase.kind === 'half-open' ? this.#phase : null
    if (probed) probed.isProbing = true
    const epoch = this.#epoch
    let isSettled = false
    return {
      isProbe: probed !== null,
      settle: (verdict) => {
        if (isSettled) return
        isSettled = true
        if (epoch !== this.#epoch) return
        if (probed) this.#settleProbe(probed, verdict)
        else this.#settleCall(verdict)
      },
    }
  }

  #settleProbe(phase: HalfOpen, verdict: BreakerVerdict): void {
    phase.isProbing = false
    if (verdict === 'ignored') return
    if (verdict !== 'good') {
      this.#open()
      return
    }
    phase.goodProbes++
    if (phase.goodProbes >= probesToClose) {
      this.#enter({ kind: 'closed', since: this.#options.clock.now() }, null)
    }
  }

  #settleCall(verdict: BreakerVerdict): void {
    if (verdict === 'ignored') return
    const bucket = this.#bucket()
    bucket.calls++
    if (verdict === 'good') {
      this.#transportFaults = 0
      return
    }
    bucket.faults++
    this.#transportFaults = verdict === 'transport-fault' ? this.#transportFaults + 1 : 0
    const calls = this.#buckets.reduce((sum, each) => sum + each.calls, 0)
    const faults = this.#buckets.reduce((sum, each) => sum + each.faults, 0)
    const { calls: callsMin, faultPercent, inARow } = this.#limits
    const isSick = calls >= callsMin && faults * 100 >= faultPercent * calls
    if (isSick || this.#transportFaults >= inARow) this.#open()
  }

  #bucket(): Bucket {
    const period = Math.floor((this.#options.clock.now() * bucketCount) / this.#limits.windowMs)
    this.#buckets = this.#buckets.filter((bucket) => bucket.period > period - bucketCount)
    const last = this.#buckets.at(-1)
    if (last?.period === period) return last
    const made: Bucket = { period, calls: 0, faults: 0 }
    this.#buckets.push(made)
    return made
  }

  #open(): void {
    const now = this.#options.clock.now()
    if (this.#phase.kind === 'closed') {
      const healthyPeriods = Math.floor((now - this.#phase.since) / decayMs)
      this.#openings = Math.max(0, this.#openings - healthyPeriods)
    }
    this.#openings++
    const { openMs: first, openMsMax } = this.#limits
    const openMs =
      Math.min(first * 2 ** (this.#openings - 1), openMsMax) * (0.8 + 0.4 * this.#options.random())
    this.#enter({ kind: 'open', until: now + openMs }, openMs)
  }

  #wake(): void {
    if (this.#phase.kind === 'open' && this.#options.clock.now() >= this.#phase.until) {
      this.#enter({ kind: 'half-open', goodProbes: 0, isProbing: false }, null)
    }
  }

  #enter(phase: Phase, openMs: number | null): void {
    const from = this.#phase.kind
    this.#phase = phase
    this.#epoch++
    this.#buckets = []
    this.#transportFaults = 0
    this.#options.onChange?.({ from, to: phase.kind, openMs })
  }
}
