// Resources that are the same for everybody and whose changes nobody tells: looked at every few seconds, and only while somebody
// watches them. A look is as cheap as their revision.

import type { Clock, Timer } from '../../../lib/clock.ts'
import type { ResourceOffer } from '../../../resources/resource.ts'

const lookMs = 5_000

interface Looked {
  readonly revision: () => string
  watchers: number
  last: string
  timer: Timer | null
}

/** Those of an offer. At most one timer each. */
export class ResourceLooks {
  readonly #clock: Clock
  readonly #changed: (uri: string) => void
  readonly #byUri: ReadonlyMap<string, Looked>

  /** `changed` is called when a look finds another revision than the last. */
  constructor(clock: Clock, sameForAll: ResourceOffer['sameForAll'], changed: (uri: string) => void) {
    this.#clock = clock
    this.#changed = changed
    this.#byUri = new Map(
      (sameForAll ?? []).map(({ uri, revision }) => [uri, { revision, watchers: 0, last: '', timer: null }]),
    )
  }

  /** One more wants to hear of it. */
  watched(uri: string): void {
    const looked = this.#byUri.get(uri)
    if (looked === undefined) return
    looked.watchers += 1
    if (looked.timer !== null) return
    looked.last = looked.revision()
    this.#schedule(uri, looked)
  }

  /** One fewer. */
  unwatched(uri: string): void {
    const looked = this.#byUri.get(uri)
    if (looked === undefined) return
    looked.watchers -= 1
    if (looked.watchers > 0) return
    looked.timer?.cancel()
    looked.timer = null
  }

  #schedule(uri: string, looked: Looked): void {
    looked.timer = this.#clock.after(lookMs, () => {
      this.#schedule(uri, looked)
      const now = looked.revision()
      if (now === looked.last) return
      looked.last = now
      this.#changed(uri)
    })
  }
}
