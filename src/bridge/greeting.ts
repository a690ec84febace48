// What the bridge itself asks at the start of a connection: which process this is, and, where the client has a session, that
// it be taken up again. The client sees nothing of it.

import { instanceMethod } from '../domain/resend.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { PassingMessage } from './passing-message.ts'

/** How a greeting is held. */
export interface GreetingOptions {
  /** Makes the ids of this connection's questions. */
  readonly number: number
  /** The client's own `initialize`, once it has been answered; null: there is no session to take up. */
  readonly initialize: object | null
  /** Wait for the name of the process: something is to be sent again. */
  readonly needsInstance: boolean
  readonly clock: Clock
  send(text: string): void
  /** Both are answered, or need not be waited for. */
  onDone(): void
  /** The session is refused, or nothing is answered in time. */
  onFailed(why: string): void
}

const answerWithinMs = 10_000

/** One connection's greeting. */
export class Greeting {
  readonly #options: GreetingOptions
  readonly #instanceId: string
  readonly #replayId: string
  #awaits: Set<string> = new Set()
  #timer: Timer | null = null
  #instance: string | null = null

  constructor(options: GreetingOptions) {
    this.#options = options
    this.#instanceId = `exai-bridge-instance-${options.number}`
    this.#replayId = `exai-bridge-initialize-${options.number}`
  }

  /** The name of the process; null while unknown, or where the server has none. */
  get instance(): string | null {
    return this.#instance
  }

  /** Asks. */
  start(): void {
    const { initialize, needsInstance, clock, send } = this.#options
    send(JSON.stringify({ jsonrpc: '2.0', id: this.#instanceId, method: instanceMethod }))
    if (needsInstance) this.#awaits.add(this.#instanceId)
    if (initialize !== null) {
      send(JSON.stringify({ ...initialize, id: this.#replayId }))
      this.#awaits.add(this.#replayId)
    }
    if (this.#awaits.size === 0) {
      this.#options.onDone()
      return
    }
    this.#timer = clock.after(answerWithinMs, () => {
      this.#options.onFailed(`the server did not take the session up within ${answerWithinMs / 1000} s`)
    })
  }

  /** Takes an answer; false when it is none of ours. */
  take(answer: Extract<PassingMessage, { kind: 'response' }>): boolean {
    if (answer.id === this.#instanceId) this.#instance = instanceOf(answer.message)
    else if (answer.id !== this.#replayId) return false
    else if (!answer.isResult) {
      this.stop()
      this.#options.onFailed('the server refused to take the session up again')
      return true
    }
    if (this.#awaits.delete(String(answer.id)) && this.#awaits.size === 0) {
      this.stop()
      this.#options.onDone()
    }
    return true
  }

  /** The connection is gone. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#awaits = new Set()
  }
}

function instanceOf(message: object): string | null {
  const result = 'result' in message ? message.result : null
  if (typeof result !== 'object' || result === null || !('instance' in result)) return null
  return typeof result.instance === 'string' ? result.instance : null
}
