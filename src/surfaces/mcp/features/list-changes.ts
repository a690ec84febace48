// That a principal's list of resources is another: told after a moment and then at most once in so long, because every window of
// the principal asks for the list again when it hears it.

import type { PrincipalName } from '../../../domain/ids.ts'
import type { Clock, Timer } from '../../../lib/clock.ts'

const everyMs = 5_000

/** Pending tellings, one for each principal whose list has changed; bounded by those. */
export class ListChanges {
  readonly #clock: Clock
  readonly #tell: (principal: PrincipalName) => void
  readonly #pending = new Map<PrincipalName, Timer>()
  #isDestroyed = false

  constructor(clock: Clock, tell: (principal: PrincipalName) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** Something came or went. */
  changed(principal: PrincipalName): void {
    if (this.#isDestroyed || this.#pending.has(principal)) return
    const timer = this.#clock.after(everyMs, () => {
      this.#pending.delete(principal)
      this.#tell(principal)
    })
    this.#pending.set(principal, timer)
  }

  /** Tells nobody any more. */
  destroy(): void {
    this.#isDestroyed = true
    for (const timer of this.#pending.values()) timer.cancel()
    this.#pending.clear()
  }
}
