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

  /** What to say when the session is taken up; null: nothing. */
  get confirmation(): string | null {
    if (this.#initialize === null || !this.#isInitialized) return null
    return JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })
  }

  /** The client asks for a session. One that it has already stays as it is until the server agrees to this one. */
  asked(initialize: object): void {
    this.#asked = initialize
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
