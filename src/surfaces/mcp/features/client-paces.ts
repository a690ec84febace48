// How often one client is told of progress, over all its calls: ten times a second at most. A pace lives as long as a call of
// its client; whoever does not say who they are has one for each call, so that a crowd without names does not share one.

import { clientKey, type Identity } from '../../../domain/identity.ts'
import type { Clock } from '../../../lib/clock.ts'
import { Pace } from '../../../streams/pace.ts'

const perSecondMax = 10

/** The paces of clients with calls under way; bounded by those. */
export class ClientPaces {
  readonly #clock: Clock
  /** By client, principal first. */
  readonly #paces = new Map<string, { readonly pace: Pace; calls: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A call begins; `release` follows once. */
  acquire(identity: Identity): Pace {
    if (identity.client === null) return new Pace(this.#clock, perSecondMax)
    const key = clientKey(identity)
    const known = this.#paces.get(key)
    if (known !== undefined) {
      known.calls += 1
      return known.pace
    }
    const pace = new Pace(this.#clock, perSecondMax)
    this.#paces.set(key, { pace, calls: 1 })
    return pace
  }

  /** The call has ended. */
  release(identity: Identity): void {
    const key = clientKey(identity)
    const known = this.#paces.get(key)
    if (known === undefined) return
    known.calls -= 1
    if (known.calls === 0) this.#paces.delete(key)
  }

  get size(): number {
    return this.#paces.size
  }
}
