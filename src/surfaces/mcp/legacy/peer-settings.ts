// What a 2025-era client sets in its session or connection: the level of the messages it wants, and the resources it watches.
// Kept where the session is kept, so that a client that comes back finds it as it was. What could not be kept is not so: whoever is told
// to try again finds everything as it was before.

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
  /** The newest change, until it is kept or has failed: the next one begins behind it. */
  #changing: Promise<void> | null = null
  #isClosed = false

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
  setLogLevel(level: MessageLevel): Promise<void> {
    return this.#inTurn(() =>
      this.#change({ logLevel: level }, () => {
        this.#logLevel = level
      }),
    )
  }

  /** False when no more fit. Resolves when it is remembered. */
  watch(uri: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const watched = [...(this.#watched ?? [])]
      if (watched.includes(uri)) return true
      if (watched.length >= watchedMax) return false
      await this.#change({ subscriptions: [...watched, uri] }, () => this.#add(uri))
      return true
    })
  }

  /** Resolves when it is remembered. */
  unwatch(uri: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#watched?.has(uri) !== true) return
      const others = [...this.#watched].filter((each) => each !== uri)
      await this.#change({ subscriptions: others }, () => this.#delete(uri))
    })
  }

  /** Tells nobody any more. */
  close(): void {
    this.#isClosed = true
    for (const uri of this.#watched ?? []) this.#delete(uri)
  }

  #add(uri: string): void {
    this.#watched ??= new Set()
    this.#watched.add(uri)
    this.#options.watchers.add(this.#options.identity.principal, uri, this.#watcher)
  }

  #delete(uri: string): void {
    this.#watched?.delete(uri)
    this.#options.watchers.delete(this.#options.identity.principal, uri, this.#watcher)
  }

  // One after the other: each is kept with all that was before it, and nothing that failed. Where nothing is kept all is done at once.
  #inTurn<Value>(run: () => Promise<Value>): Promise<Value> {
    if (!this.isKept) return run()
    const turn = this.#changing === null ? run() : this.#changing.then(run)
    const over = (): void => {
      if (this.#changing === changing) this.#changing = null
    }
    const changing = turn.then(over, over)
    this.#changing = changing
    return turn
  }

  async #change(changed: Partial<SessionSettings>, take: () => void): Promise<void> {
    const { keep } = this.#options
    const before = { logLevel: this.#logLevel, subscriptions: [...(this.#watched ?? [])] }
    if (keep !== undefined) await keep({ ...before, ...changed })
    if (!this.#isClosed) take()
  }
}
