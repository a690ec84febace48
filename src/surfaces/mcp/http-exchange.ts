// An exchange over one HTTP response: one JSON body, or an event stream once streaming has begun.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Identity } from '../../domain/identity.ts'
import { endInTurns } from '../../transport/response-spool.ts'
import { type EventStream, openEventStream } from '../../transport/sse.ts'
import { whenClosed } from '../../transport/when-closed.ts'
import type { RequestId } from './envelope.ts'
import type { Cancellable, Exchange, InFlight } from './exchange.ts'
import type { McpSurfaceOptions } from './mcp-options.ts'

/** What an exchange over HTTP is made of. */
export interface HttpExchangeFacts {
  readonly id: RequestId
  readonly identity: Identity
  readonly inFlight: InFlight | null
  readonly surface: Pick<McpSurfaceOptions, 'clock' | 'flow' | 'emit'>
}

/** Answers with one JSON body. */
export function respondJson(
  response: ServerResponse,
  status: number,
  json: string,
  headers?: Readonly<Record<string, string>>,
): void {
  if (response.headersSent || response.destroyed) return
  const head = jsonHead(json)
  response.writeHead(status, headers === undefined ? head : { ...head, ...headers })
  response.end(json)
}

/** The head of one JSON body. */
export function jsonHead(json: string): { 'content-type': string; 'content-length': number } {
  return { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }
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
  readonly #surface: HttpExchangeFacts['surface']
  #stream: EventStream | null = null
  /** The answer, until it is known to be taken. */
  #answer: string | null = null
  #isOver = false
  #isReaderLost = false
  /** Its answer was given here, wherever that went. */
  #isFinished = false
  #isClosed = false

  constructor(request: IncomingMessage, response: ServerResponse, facts: HttpExchangeFacts) {
    this.id = facts.id
    this.identity = facts.identity
    this.inFlight = facts.inFlight
    this.canStream = acceptsEventStream(request)
    this.#response = response
    this.#surface = facts.surface
    whenClosed(response, () => this.#closed())
  }

  startStream(): void {
    if (this.#stream === null && !this.#isOver) {
      const { clock, flow } = this.#surface
      this.#stream = openEventStream(this.#response, { clock, flow, onLost: this.#readerLost })
    }
  }

  /** An event without data, before all others: its id lets the client come back. */
  prime(id: string, retryMs: number): void {
    this.#stream?.prime(id, retryMs)
  }

  send(json: string, id?: string): void {
    this.startStream()
    this.#stream?.send(json, id)
  }

  sendProgress(json: string): void {
    this.startStream()
    this.#stream?.sendLatest(json)
  }

  sendDroppable(json: string): void {
    this.startStream()
    this.#stream?.sendDroppable(json)
  }

  finish(json: string, status = 200, id?: string): void {
    this.#isFinished = true
    if (this.#isClosed) this.work?.answerLeft?.()
    if (this.#isOver) return
    this.#isOver = true
    if (this.#isReaderLost) this.work?.answerLost?.(json)
    else if (this.#stream !== null) {
      this.#answer = json
      this.#stream.end(json, id)
    } else if (!this.#response.headersSent && !this.#response.destroyed) {
      this.#answer = json
      this.#response.writeHead(status, jsonHead(json))
      endInTurns(this.#response, json, this.#surface.flow, this.#readerLost)
    }
  }

  abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#isReaderLost) return
    if (this.#stream !== null) this.#stream.end()
    else {
      this.#response.writeHead(202)
      this.#response.end()
    }
  }

  // The stream is about to be destroyed. Work that outlives it goes on, and answers into the keeping.
  readonly #readerLost = (): void => {
    this.#isReaderLost = true
    this.#surface.emit({ type: 'reader-lost', door: 'http', label: this.identity.label })
    if (this.#answer !== null) this.work?.answerLost?.(this.#answer)
    else if (this.#isOver) return
    else if (this.work?.outlivesReader === true) this.work.readerGone?.()
    else {
      this.#isOver = true
      this.work?.clientGone()
    }
  }

  #closed(): void {
    // Gone while the answer was on its way: whoever can come back may ask for it.
    if (this.#answer !== null && !this.#isReaderLost && !this.#response.writableFinished) {
      this.work?.answerLost?.(this.#answer)
    }
    this.#answer = null
    this.#isClosed = true
    // Node closes a response once all of it is with the kernel, or with its connection.
    if (this.#isFinished) this.work?.answerLeft?.()
    if (this.#isOver || this.#isReaderLost) return
    this.#isOver = true
    this.work?.clientGone()
  }
}
