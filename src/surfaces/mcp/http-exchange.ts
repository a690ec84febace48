// An exchange over one HTTP response: one JSON body, or an event stream once streaming has begun.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Identity } from '../../domain/identity.ts'
import type { Clock } from '../../lib/clock.ts'
import { type EventStream, openEventStream } from '../../transport/sse.ts'
import type { RequestId } from './envelope.ts'
import type { Cancellable, Exchange, InFlight } from './exchange.ts'

/** Answers with one JSON body. */
export function respondJson(
  response: ServerResponse,
  status: number,
  json: string,
  headers?: Readonly<Record<string, string>>,
): void {
  if (response.headersSent || response.destroyed) return
  const head = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }
  response.writeHead(status, headers === undefined ? head : { ...head, ...headers })
  response.end(json)
}

/** True when the client takes an event stream as the answer. */
export function acceptsEventStream(request: IncomingMessage): boolean {
  return request.headers.accept?.includes('text/event-stream') === true
}

/** One POSTed request and its response. */
export class HttpExchange implements Exchange {
  readonly door = 'http'
  readonly id: RequestId
  readonly identity: Identity
  readonly inFlight: InFlight | null
  readonly canStream: boolean
  work: Cancellable | null = null
  readonly #response: ServerResponse
  readonly #clock: Clock
  #stream: EventStream | null = null
  #isOver = false

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    facts: { id: RequestId; identity: Identity; inFlight: InFlight | null; clock: Clock },
  ) {
    this.id = facts.id
    this.identity = facts.identity
    this.inFlight = facts.inFlight
    this.canStream = acceptsEventStream(request)
    this.#response = response
    this.#clock = facts.clock
    response.on('close', () => this.#closed())
  }

  startStream(): void {
    if (this.#stream === null && !this.#isOver) {
      this.#stream = openEventStream(this.#response, { clock: this.#clock })
    }
  }

  send(json: string): void {
    this.startStream()
    this.#stream?.send(json)
  }

  sendDroppable(json: string): void {
    this.startStream()
    this.#stream?.sendDroppable(json)
  }

  finish(json: string, status = 200): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#stream === null) respondJson(this.#response, status, json)
    else this.#stream.end(json)
  }

  abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#stream !== null) this.#stream.end()
    else {
      this.#response.writeHead(202)
      this.#response.end()
    }
  }

  #closed(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.work?.clientGone()
  }
}
