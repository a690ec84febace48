// What the client has agreed with the server, and the next connection must be told again: its `initialize`, its word that it is
// initialised, and what it has set since.

import { ClientSettings } from './client-settings.ts'
import type { SentRequest } from './in-flight.ts'

/** The session of one client, as the bridge remembers it. */
export class ClientSession {
  readonly settings: ClientSettings = new ClientSettings()
  #initialize: { readonly message: object; isAnswered: boolean } | null = null
  #isInitialized = false

  /** The client's `initialize` once the server has agreed; null before. */
  get initialize(): object | null {
    return this.#initialize?.isAnswered === true ? this.#initialize.message : null
  }

  /** What to say when the session is taken up; null: nothing. */
  get confirmation(): string | null {
    if (this.initialize === null || !this.#isInitialized) return null
    return JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })
  }

  /** The client asks for a session. */
  asked(initialize: object): void {
    this.#initialize = { message: initialize, isAnswered: false }
  }

  /** The client has said that it is initialised. */
  confirmed(): void {
    this.#isInitialized = true
  }

  /** The server has done what this request asked for. */
  done(request: SentRequest): void {
    if (request.method === 'initialize' && this.#initialize !== null) this.#initialize.isAnswered = true
    this.settings.done(request)
  }
}
