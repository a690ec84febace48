// An exchange over a shared WebSocket: every message is a frame, told apart by its id. Streaming costs nothing here.

import type { Identity } from '../../domain/identity.ts'
import type { WebSocketConnection } from '../../transport/websocket-face.ts'
import { type RequestId, rpcCode } from './envelope.ts'
import type { Cancellable, Exchange, InFlight } from './exchange.ts'
import { errorMessage } from './messages.ts'

/** What an exchange on a connection is made of. */
export interface WebSocketExchangeFacts {
  readonly id: RequestId
  readonly identity: Identity
  readonly inFlight: InFlight
  readonly isAskedAgain: boolean
  readonly onOver: () => void
}

// An answer without work behind it and no longer than this is control: it goes before the results that wait.
const controlCharsMax = 4_096

/** One request on a connection. When it closes, its owner tells the work in the in-flight table. */
export class WebSocketExchange implements Exchange {
  readonly door = 'websocket'
  readonly canStream = true
  readonly id: RequestId
  readonly identity: Identity
  readonly inFlight: InFlight
  readonly isAskedAgain: boolean
  work: Cancellable | null = null
  readonly #connection: WebSocketConnection
  readonly #facts: WebSocketExchangeFacts
  #isOver = false

  constructor(connection: WebSocketConnection, facts: WebSocketExchangeFacts) {
    this.#connection = connection
    this.id = facts.id
    this.identity = facts.identity
    this.inFlight = facts.inFlight
    this.isAskedAgain = facts.isAskedAgain
    this.#facts = facts
  }

  startStream(): void {}

  send(json: string): void {
    if (!this.#isOver) this.#connection.send(json)
  }

  sendProgress(json: string): void {
    if (!this.#isOver) this.#connection.sendLatest(this, json)
  }

  sendDroppable(json: string): void {
    if (!this.#isOver) this.#connection.sendDroppable(json)
  }

  finish(json: string): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.work === null && json.length <= controlCharsMax) this.#connection.send(json)
    else this.#sendResult(json)
    this.#facts.onOver()
  }

  abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#facts.onOver()
  }

  #sendResult(json: string): void {
    const { work } = this
    const onLost = (): void => {
      work?.answerLost?.(json)
      work?.answerLeft?.()
    }
    if (this.#connection.sendResult(this, json, onLost, work?.answerLeft)) return
    this.#setAside(json)
    work?.answerLeft?.()
  }

  // Whoever reads keeps its connection, and hears of every answer where it is.
  #setAside(json: string): void {
    const callId = this.work?.answerSetAside?.(json) ?? null
    const where =
      callId === null
        ? 'It could not be kept: make the request again once the others are read, if it is wanted.'
        : `It is kept: once the others are read, get it with the tool "result" and call_id "${callId}".`
    const why = `Too much on this connection is unread, so this answer was not added to it. ${where}`
    this.#connection.send(errorMessage(this.id, rpcCode.unavailable, why))
  }
}
