// Counts of calls since the start, folded from call events, for `inspect()`.

import type { CallEvent } from '../calls/events.ts'
import { unreachable } from '../lib/assert.ts'

/** Totals since the start. `abandoned` counts work that ignored its abort: it must stay 0. */
export interface CallTotals {
  readonly finished: number
  readonly failed: Readonly<Record<string, number>>
  readonly refused: Readonly<Record<string, number>>
  readonly abandoned: number
}

/** A fold over call events. */
export class CallCounts {
  #finished = 0
  #abandoned = 0
  readonly #failed = new Map<string, number>()
  readonly #refused = new Map<string, number>()

  /** Counts one event. */
  add(event: CallEvent): void {
    switch (event.type) {
      case 'call-finished':
        this.#finished++
        if (event.isAbandoned) this.#abandoned++
        if (event.failure !== null) increment(this.#failed, event.failure)
        return
      case 'call-refused':
        increment(this.#refused, event.refusal.reason)
        return
      default:
        unreachable(event)
    }
  }

  /** The totals so far. */
  totals(): CallTotals {
    return {
      finished: this.#finished,
      failed: Object.fromEntries(this.#failed),
      refused: Object.fromEntries(this.#refused),
      abandoned: this.#abandoned,
    }
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
