// Reduced share for a client whose own faults pile up, instead of a breaker: what is wrong with a vendor never counts
// against a client, nobody is ever shut out, and everybody is released by time alone.
//
//   score: +1 a fault, halved each 60 s;  score >= 10 --> boxed 30 s * 2^k, at most 10 min --> free, score 0

import type { CallFailure, FailureCode } from '../domain/failure.ts'
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
  /** When it last ended a call that had hardly begun. */
  droppedAt: number
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

  /** A call of this client failed: counts only what we ourselves found wrong in it, never what a vendor says of it. */
  failed(clientKey: string, failure: Pick<CallFailure, 'code' | 'isVendors'>): void {
    if (failure.isVendors) return
    if (clientFaults.has(failure.code)) this.fault(clientKey)
  }

  /**
   * A call of this client was ended by it; monotonic milliseconds. It is a fault when it had hardly begun. What was begun before the
   * last such end does not count: many calls ended by one decision of a person, or by one end of a program, are one fault.
   */
  dropped(clientKey: string, begunAt: number, endedAt: number): void {
    if (endedAt - begunAt > hardlyBegunMs) return
    const record = this.#records.get(clientKey)
    if (record !== undefined && record.droppedAt >= begunAt) return
    this.#score(clientKey).droppedAt = endedAt
  }

  /** The client broke a rule: invalid parameters, an unknown tool, an oversized or malformed message. */
  fault(clientKey: string): void {
    this.#score(clientKey)
  }

  /** How this client is treated. */
  standing(clientKey: string): Standing {
    const record = this.#records.get(clientKey)
    const leftMs = record === undefined ? 0 : record.boxedUntil - this.#clock.now()
    return leftMs > 0 ? { isBoxed: true, concurrencyMax: 1, weightFactor: 0.25, leftMs } : free
  }

  #score(clientKey: string): Conduct {
    const now = this.#clock.now()
    const record = this.#records.get(clientKey) ?? {
      score: 0,
      scoredAt: now,
      times: 0,
      boxedUntil: 0,
      droppedAt: Number.NEGATIVE_INFINITY,
    }
    this.#records.delete(clientKey)
    this.#records.set(clientKey, record)
    if (this.#records.size > this.#clientsMax) {
      const oldest = this.#records.keys().next()
      if (!oldest.done) this.#records.delete(oldest.value)
    }
    if (now < record.boxedUntil) return record
    if (now - record.boxedUntil >= forgiveAfterMs) record.times = 0
    record.score = record.score * 2 ** ((record.scoredAt - now) / halfLifeMs) + 1
    record.scoredAt = now
    if (record.score < boxAt) return record
    record.boxedUntil = now + Math.min(boxMsMax, boxMs * 2 ** record.times)
    record.times++
    record.score = 0
    return record
  }
}

const free: Standing = { isBoxed: false, concurrencyMax: null, weightFactor: 1, leftMs: 0 }

const clientFaults: ReadonlySet<FailureCode> = new Set(['bad-request', 'path-not-allowed', 'not-found'])

// Nobody reads what was begun and thinks better of it in this time.
const hardlyBegunMs = 100
const halfLifeMs = 60_000
// Decay between faults of one burst must not keep ten of them below ten.
const boxAt = 10 - 0.5
const boxMs = 30_000
const boxMsMax = 600_000
const forgiveAfterMs = 600_000
