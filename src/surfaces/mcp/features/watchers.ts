// Who wants to hear of which resource: by principal, so that nobody is told of another's, and by URI, so that telling costs nothing
// where nobody listens. An entry lives as long as the session, connection or subscription behind it.

import type { PrincipalName } from '../../../domain/ids.ts'

/** Told that a resource has changed. */
export type ResourceWatcher = (uri: string) => void

/** At most so many URIs for one session, connection or subscription. */
export const watchedMax = 256

/** The index. */
export class Watchers {
  readonly #byUri = new Map<string, Set<ResourceWatcher>>()

  add(principal: PrincipalName, uri: string, watcher: ResourceWatcher): void {
    const key = keyOf(principal, uri)
    const known = this.#byUri.get(key)
    if (known === undefined) this.#byUri.set(key, new Set([watcher]))
    else known.add(watcher)
  }

  delete(principal: PrincipalName, uri: string, watcher: ResourceWatcher): void {
    const key = keyOf(principal, uri)
    const known = this.#byUri.get(key)
    if (known?.delete(watcher) === true && known.size === 0) this.#byUri.delete(key)
  }

  /** Tells those who watch this resource of this principal. */
  changed(principal: PrincipalName, uri: string): void {
    for (const tell of this.#byUri.get(keyOf(principal, uri)) ?? []) tell(uri)
  }

  /** Resources that somebody watches. */
  get size(): number {
    return this.#byUri.size
  }
}

function keyOf(principal: PrincipalName, uri: string): string {
  return `${principal}\n${uri}`
}
