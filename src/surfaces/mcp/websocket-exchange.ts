// An exchange over a shared WebSocket: every message is a frame, told apart by its id. Streaming costs nothing here.

import type { Identity } from '../../domain/identity.ts'
import type { WebSocketConnection } from '../../transport/websocket.ts'
import type { RequestId } from './envelope.ts'
import type { Cancellable, Exchange, InFlight } from './exchange.ts'

/** One request on a connection. When it closes, its owner tells the work in the in-flight table. */
export class WebSocketExchange implements Exchange {
  readonly door = 'websocket'
  readonly canStream = true
  readonly id: RequestId
  readonly identity: Identity
  readonly inFlight: InFlight
  work: Cancellable | null = null
  readonly #connection: WebSocketConnection
  readonly #onOver: () => void
  #isOver = false

  constructor(
    connection: WebSocketConnection,
    facts: { id: RequestId; identity: Identity; inFlight: InFlight; onOver: () => void },
  ) {
    this.#connection = connection
    this.id = facts.id
    this.identity = facts.identity
    this.inFlight = facts.inFlight
    this.#onOver = facts.onOver
  }

  startStream(): void {}

  send(json: string): void {
    if (!this.#isOver) this.#connection.send(json)
  }

  sendDroppable(json: string): void {
    if (!this.#isOver) this.#connection.sendDroppable(json)
  }

  finish(json: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#connection.send(json)
    this.#onOver()
  }

  abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onOver()
  }
}
