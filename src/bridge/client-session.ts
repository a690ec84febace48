// What the client has agreed with the server, and the next connection must be told again: its `initialize`, its word that it is
// initialised, and what it has set since.

import { ClientSettings } from './client-settings.ts'
import type { SentRequest } from './in-flight.ts'

/** The session of one client, as the bridge remembers it. */
export class ClientSession {
  readonly settings: ClientSettings = new ClientSettings()
  #asked: object | null = null
  #initialize: object | null = null
  #isInitialized = false

  /** The client's `initialize` once the server has agreed, and as it agreed to it; null before. */
  get initialize(): object | null {
    return this.#initialize
  }

  /** The client's word that it is initialised, to be said again; null: it has not said so. */
  get confirmation(): string | null {
    if (!this.#isInitialized) return null
    return JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })
  }

  /** What goes out right behind a request that waited: the word of a client that did not wait for its session; null: nothing. */
  behind(method: string): string | null {
    return method === 'initialize' && this.#initialize === null ? this.confirmation : null
  }

  /** The client asks for a session. One that it has already stays as it is until the server agrees to this one. */
  asked(initialize: object): void {
    this.#asked = initialize
    // Its word was meant for another, which never came about.
    if (this.#initialize === null) this.#isInitialized = false
  }

  /** The client has said that it is initialised. */
  confirmed(): void {
    this.#isInitialized = true
  }

  /** The server has done what this request asked for. */
  done(request: SentRequest): void {
    const { method, text } = request
    // By its own text: another may have been asked for since.
    if (method === 'initialize') this.#initialize = text === null ? this.#asked : (JSON.parse(text) as object)
    this.settings.done(request)
  }
}
