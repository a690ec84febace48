// A tool asks before it spends: in 2026-07-28 a call that asks is run again from its beginning, and vendor work done before the
// question would be done twice. So no question is let through once a job was begun, in either era.

import type { Asking } from '../domain/asking.ts'
import { assert } from '../lib/assert.ts'

/** The way to the client of one call, closed by the first job. */
export class AskFirst {
  readonly #asking: Asking
  #hasSpent = false

  constructor(asking: Asking) {
    this.#asking = asking
  }

  /** A job is about to begin. */
  spend(): void {
    this.#hasSpent = true
  }

  /** The way, as long as it is open. */
  open(): Asking {
    assert(!this.#hasSpent, 'a tool asks its client before its first job: what comes before is done again')
    return this.#asking
  }
}
