// What a 2025-era client sets in its session or connection: the level of the messages it wants, and the resources it watches.
// Kept where the session is kept, so that a client that comes back finds it as it was.

import type { Identity } from '../../../domain/identity.ts'
import { isMessageLevel, type MessageLevel } from '../../../domain/message-level.ts'
import { type ResourceWatcher, type Watchers, watchedMax } from '../features/watchers.ts'
import { notificationMessage } from '../messages.ts'
import type { SessionSettings } from './session-records.ts'

/** What settings depend on. */
export interface PeerSettingsOptions {
  readonly identity: Identity
  readonly watchers: Watchers
  /** Sends beside the calls, where a channel is open; may be dropped when the reader is behind. */
  readonly tell: (json: string) => void
  /** Remembers them. Rejects with a `StoreFault`. Absent: they last as long as the connection. */
  readonly keep?: (settings: SessionSettings) => Promise<void>
}

/** The settings of one client. */
export class PeerSettings {
  readonly #options: PeerSettingsOptions
  /** null until something is watched: there may be ten thousand of us. */
  #watched: Set<string> | null = null
  readonly #watcher: ResourceWatcher = (uri) =>
    this.#options.tell(notificationMessage('notifications/resources/updated', { uri }))
  #logLevel: MessageLevel | null = null

  constructor(options: PeerSettingsOptions) {
    this.#options = options
  }

  /** null: it asked for no messages. */
  get logLevel(): MessageLevel | null {
    return this.#logLevel
  }

  /** What is set is written down; else it lasts as long as the connection. */
  get isKept(): boolean {
    return this.#options.keep !== undefined
  }

  /** Takes up what was remembered. */
  restore({ logLevel, subscriptions }: SessionSettings): void {
    this.#logLevel = isMessageLevel(logLevel) ? logLevel : null
    for (const uri of subscriptions.slice(0, watchedMax)) this.#add(uri)
  }

  /** Resolves when it is remembered. */
  async setLogLevel(level: MessageLevel): Promise<void> {
    this.#logLevel = level
    await this.#keep()
  }

  /** False when no more fit. Resolves when it is remembered. */
  async watch(uri: string): Promise<boolean> {
    if (this.#watched?.has(uri) === true) return true
    if (this.#watched !== null && this.#watched.size >= watchedMax) return false
    this.#add(uri)
    await this.#keep()
    return true
  }

  /** Resolves when it is remembered. */
  async unwatch(uri: string): Promise<void> {
    if (this.#watched?.delete(uri) !== true) return
    this.#options.watchers.delete(this.#options.identity.principal, uri, this.#watcher)
    await this.#keep()
  }

  /** Tells nobody any more. */
  close(): void {
    for (const uri of this.#watched ?? []) {
      this.#options.watchers.delete(this.#options.identity.principal, uri, this.#watcher)
    }
    this.#watched = null
  }

  #add(uri: string): void {
    this.#watched ??= new Set()
    this.#watched.add(uri)
    this.#options.watchers.add(this.#options.identity.principal, uri, this.#watcher)
  }

  async #keep(): Promise<void> {
    await this.#options.keep?.({ logLevel: this.#logLevel, subscriptions: [...(this.#watched ?? [])] })
  }
}
