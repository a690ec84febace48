// Begins the progress of calls that asked for it. All calls of one client share its pace, which lives as long as one of them reports.

import type { Clock } from '../../../lib/clock.ts'
import { isObject, isRequestId, type JsonObject } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import { ClientPaces } from './client-paces.ts'
import { createProgressReporter, type ProgressReporter } from './progress.ts'

/** The reporters under way share what is in here. */
export class Reporting {
  readonly #clock: Clock
  readonly #paces: ClientPaces

  constructor(clock: Clock) {
    this.#clock = clock
    this.#paces = new ClientPaces(clock)
  }

  /** The call's reporter, which must be stopped once; null where the caller gave no token, or nothing can go before the answer. */
  begin(exchange: Exchange, params: JsonObject): ProgressReporter | null {
    const meta = params._meta
    const token = isObject(meta) ? meta.progressToken : undefined
    if (!exchange.canStream || !isRequestId(token)) return null
    const reporter = createProgressReporter({
      clock: this.#clock,
      token,
      pace: this.#paces.acquire(exchange.identity),
      send: (json) => exchange.sendProgress(json),
    })
    return {
      report: (update) => reporter.report(update),
      stop: () => {
        reporter.stop()
        this.#paces.release(exchange.identity)
      },
    }
  }
}
