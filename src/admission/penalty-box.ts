// Reduced share for a client whose own faults pile up, instead of a breaker: what is wrong with a vendor never counts
// against a client, nobody is ever shut out, and everybody is released by time alone.
//
//   score: +1 a fault, halved each 60 s;  score >= 10 --> boxed 30 s * 2^k, at most 10 min --> free, score 0

import type { FailureCode } from '../domain/failure.ts'
import type { Clock } from '../lib/clock.ts'

/** How a client is treated now. */
export interface Standing {
  readonly isBoxed: boolean
  /** Calls in flight it may have; null: its usual limit. */
  readonly concurrencyMax: number | null
  /** What its weight is multiplied by. */
  readonly weightFactor: number
  /** Milliseconds until it is released; 0 when it is free. */
  readonly leftMs: number
}

interface Conduct {
  score: number
  scoredAt: number
  /** How often it was boxed lately. */
  times: number
  boxedUntil: number
}

/** Keeps score by client key. State is bounded by `clientsMax`: the one least recently at fault is forgotten first. */
export class PenaltyBox {
  readonly #clock: Clock
  readonly #clientsMax: number
  readonly #records = new Map<string, Conduct>()

  constructor(clock: Clock, clientsMax: number) {
    this.#clock = clock
    this.#clientsMax = clientsMax
  }

  /** A call of this client failed: counts only what the client itself did wrong. */
  failed(clientKey: string, code: FailureCode): void {
    if (clientFaults.has(code)) this.fault(clientKey)
  }

  /** The client broke a rule: invalid parameters, an oversized or malformed message, a cancel as soon as it calls. */
  fault(clientKey: string): void {
    const now = this.#clock.now()
    const record = this.#records.get(clientKey) ?? { score: 0, scoredAt: now, times: 0, boxedUntil: 0 }
    this.#records.delete(clientKey)
    this.#records.set(clientKey, record)
    if (this.#records.size > this.#clientsMax) {
      const oldest = this.#records.keys().next()
      if (!oldest.done) this.#records.delete(oldest.value)
    }
    if (now < record.boxedUntil) return
    if (now - record.boxedUntil >= forgiveAfterMs) record.times = 0
    record.score = record.score * 2 ** ((record.scoredAt - now) / halfLifeMs) + 1
    record.scoredAt = now
    if (record.score < boxAt) return
    record.boxedUntil = now + Math.min(boxMsMax, boxMs * 2 ** record.times)
    record.times++
    record.score = 0
  }

  /** How this client is treated. */
  standing(clientKey: string): Standing {
    const record = this.#records.get(clientKey)
    const leftMs = record === undefined ? 0 : record.boxedUntil - this.#clock.now()
    return leftMs > 0 ? { isBoxed: true, concurrencyMax: 1, weightFactor: 0.25, leftMs } : free
  }
}

const free: Standing = { isBoxed: false, concurrencyMax: null, weightFactor: 1, leftMs: 0 }

const clientFaults: ReadonlySet<FailureCode> = new Set(['bad-request', 'path-not-allowed', 'not-found'])

const halfLifeMs = 60_000
// Decay between faults of one burst must not keep ten of them below ten.
const boxAt = 10 - 0.5
const boxMs = 30_000
const boxMsMax = 600_000
const forgiveAfterMs = 600_000
