// Who wants to hear of which resource: by principal, so that nobody is told of another's, and by URI, so that telling costs nothing
// where nobody listens. The first change is told at once, and then at most one every few seconds, so that what changes all the time
// floods nobody and the last change is never lost. An entry lives as long as the sessions, connections or subscriptions behind it.

import type { PrincipalName } from '../../../domain/ids.ts'
import type { Clock, Timer } from '../../../lib/clock.ts'
import type { ResourceOffer } from '../../../resources/resource.ts'
import { ResourceLooks } from './resource-looks.ts'

/** Told that a resource has changed. */
export type ResourceWatcher = (uri: string) => void

/** At most so many URIs for one session, connection or subscription. */
export const watchedMax = 256

const restMs = 5_000

interface Watched {
  readonly uri: string
  readonly watchers: Set<ResourceWatcher>
  /** Runs while nobody is told; null: the next change is told at once. */
  rest: Timer | null
  /** It has changed meanwhile. */
  isDue: boolean
}

/** The index. */
export class Watchers {
  readonly #clock: Clock
  readonly #looks: ResourceLooks
  readonly #byUri = new Map<string, Watched>()

  constructor(clock: Clock, sameForAll: ResourceOffer['sameForAll']) {
    this.#clock = clock
    this.#looks = new ResourceLooks(clock, sameForAll, (uri) => {
      for (const watched of this.#byUri.values()) if (watched.uri === uri) this.#changed(watched)
    })
  }

  add(principal: PrincipalName, uri: string, watcher: ResourceWatcher): void {
    const key = keyOf(principal, uri)
    const known = this.#byUri.get(key)
    if (known !== undefined) {
      known.watchers.add(watcher)
      return
    }
    this.#byUri.set(key, { uri, watchers: new Set([watcher]), rest: null, isDue: false })
    this.#looks.watched(uri)
  }

  delete(principal: PrincipalName, uri: string, watcher: ResourceWatcher): void {
    const key = keyOf(principal, uri)
    const known = this.#byUri.get(key)
    if (known?.watchers.delete(watcher) !== true || known.watchers.size > 0) return
    known.rest?.cancel()
    this.#byUri.delete(key)
    this.#looks.unwatched(uri)
  }

  /** Tells those who watch this resource of this principal. */
  changed(principal: PrincipalName, uri: string): void {
    const watched = this.#byUri.get(keyOf(principal, uri))
    if (watched !== undefined) this.#changed(watched)
  }

  /** Resources that somebody watches. */
  get size(): number {
    return this.#byUri.size
  }

  #changed(watched: Watched): void {
    if (watched.rest !== null) {
      watched.isDue = true
      return
    }
    watched.isDue = false
    watched.rest = this.#clock.after(restMs, () => {
      watched.rest = null
      if (watched.isDue) this.#changed(watched)
    })
    for (const tell of [...watched.watchers]) tell(watched.uri)
  }
}

function keyOf(principal: PrincipalName, uri: string): string {
  return `${principal}\n${uri}`
}
