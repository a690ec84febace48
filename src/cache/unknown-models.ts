// The only bad news that is remembered: a model the vendor does not have for an account, for a minute at most; another account may have it.
// A 429 or a 500 is never kept: it would outlive its cause.

import { CallFailure } from '../domain/failure.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'

const rememberMsMax = 60_000
const modelsMax = 1_024

/** What a vendor has just said it does not have, by account: `glm/main`. */
export class UnknownModels {
  readonly #clock: Clock
  readonly #until = new BoundedMap<string, { readonly until: number; readonly failure: CallFailure }>(
    modelsMax,
  )

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Keeps a `model-unknown`; ignores every other failure. */
  remember(accountName: string, model: string, failure: CallFailure): void {
    if (failure.code !== 'model-unknown') return
    const until = this.#clock.now() + rememberMsMax
    // Without its cause, which may hold a whole reply.
    const kept = new CallFailure('model-unknown', { message: failure.message })
    this.#until.set(`${accountName}\n${model}`, { until, failure: kept })
  }

  /** The failure to give again; null: ask the vendor. */
  find(accountName: string, model: string): CallFailure | null {
    const known = this.#until.get(`${accountName}\n${model}`)
    return known && this.#clock.now() < known.until ? known.failure : null
  }
}
