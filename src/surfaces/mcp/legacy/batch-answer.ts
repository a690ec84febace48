// The answer to a list of messages over HTTP: an event stream where the client takes one, on which every request is answered as
// soon as it is done; else one JSON list, once all are done. Each request has an exchange of its own, and fares in everything
// else as if it had come alone.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Identity } from '../../../domain/identity.ts'
import { endInTurns } from '../../../transport/response-spool.ts'
import { type EventStream, openEventStream } from '../../../transport/sse.ts'
import { whenClosed } from '../../../transport/when-closed.ts'
import type { RequestId } from '../envelope.ts'
import type { Cancellable, Exchange, InFlight } from '../exchange.ts'
import { acceptsEventStream, jsonHead } from '../http-exchange.ts'
import type { McpSurfaceOptions } from '../mcp-options.ts'

/** What it is made of. */
export interface BatchAnswerFacts {
  readonly identity: Identity
  readonly inFlight: InFlight
  readonly surface: Pick<McpSurfaceOptions, 'clock' | 'flow' | 'emit'>
}

interface Given {
  readonly json: string
  readonly work: Cancellable | null
}

/** One response for a list. Bounded by the list: it keeps no more answers than that holds messages. */
export class BatchAnswer {
  readonly #canStream: boolean
  readonly #response: ServerResponse
  readonly #facts: BatchAnswerFacts
  #stream: EventStream | null = null
  /** Not answered yet. */
  readonly #open = new Set<BatchedExchange>()
  /** What waits for the list to be whole; of what went down the stream only what can be asked for again if nobody took it. */
  #given: Given[] = []
  /** What wants to know when its answer has left: with the whole of the response. */
  #leaving: Cancellable[] = []
  #hasRequest = false
  #isWhole = false
  #isOver = false
  #isReaderLost = false

  constructor(request: IncomingMessage, response: ServerResponse, facts: BatchAnswerFacts) {
    this.#canStream = acceptsEventStream(request)
    this.#response = response
    this.#facts = facts
    whenClosed(response, () => this.#closed())
  }

  /** The way back of one of its requests. */
  exchange(id: RequestId): Exchange {
    this.#hasRequest = true
    if (this.#canStream && this.#stream === null) this.#openStream()
    const { identity, inFlight } = this.#facts
    const exchange = new BatchedExchange({ id, identity, inFlight }, this.#stream, (json) =>
      this.#done(exchange, json),
    )
    this.#open.add(exchange)
    return exchange
  }

  /** Answers a message that could not be taken. */
  give(json: string, work: Cancellable | null = null): void {
    this.#stream?.sendResult(json)
    if (this.#stream === null || work?.outlivesReader === true) this.#given.push({ json, work })
  }

  /** Every message of the list has been seen. */
  whole(): void {
    this.#isWhole = true
    this.#endIfDone()
  }

  #openStream(): void {
    const { clock, flow } = this.#facts.surface
    this.#stream = openEventStream(this.#response, { clock, flow, onLost: this.#readerLost })
    for (const { json } of this.#given.splice(0)) this.#stream.sendResult(json)
  }

  #done(exchange: BatchedExchange, json: string | null): void {
    this.#open.delete(exchange)
    if (json !== null) {
      const { work } = exchange
      if (this.#isReaderLost) {
        work?.answerLost?.(json)
        work?.answerLeft?.()
      } else {
        this.give(json, work)
        if (work?.answerLeft !== undefined) this.#leaving.push(work)
      }
    }
    this.#endIfDone()
  }

  #endIfDone(): void {
    if (!this.#isWhole || this.#open.size > 0 || this.#isOver) return
    this.#isOver = true
    if (this.#isReaderLost || this.#response.destroyed) return
    if (this.#stream !== null) this.#stream.end()
    else if (this.#given.length === 0) {
      this.#response.writeHead(202, { 'content-length': 0 })
      this.#response.end()
    } else {
      const json = `[${this.#given.map((each) => each.json).join(',')}]`
      this.#response.writeHead(this.#hasRequest ? 200 : 400, jsonHead(json))
      endInTurns(this.#response, json, this.#facts.surface.flow, this.#readerLost)
    }
  }

  // The response is about to be destroyed. Work that outlives it goes on, and answers into the keeping.
  readonly #readerLost = (): void => {
    this.#isReaderLost = true
    this.#facts.surface.emit({ type: 'reader-lost', door: 'http', label: this.#facts.identity.label })
    this.#giveBack()
    for (const exchange of [...this.#open]) {
      const { work } = exchange
      if (work?.outlivesReader === true) work.readerGone?.()
      else this.#leave(exchange)
    }
  }

  #closed(): void {
    if (!this.#isReaderLost) {
      if (!this.#response.writableFinished) this.#giveBack()
      for (const exchange of [...this.#open]) this.#leave(exchange)
    }
    this.#given = []
    for (const work of this.#leaving.splice(0)) work.answerLeft?.()
  }

  // Some of them may have been read: whoever comes back had better find one twice than none.
  #giveBack(): void {
    for (const { json, work } of this.#given.splice(0)) work?.answerLost?.(json)
  }

  #leave(exchange: BatchedExchange): void {
    this.#open.delete(exchange)
    exchange.leave()
  }
}

// One request of a list.
class BatchedExchange implements Exchange {
  readonly door = 'http'
  readonly id: RequestId
  readonly identity: Identity
  readonly inFlight: InFlight
  work: Cancellable | null = null
  readonly #stream: EventStream | null
  readonly #onDone: (json: string | null) => void
  #isOver = false

  constructor(
    facts: Pick<Exchange, 'id' | 'identity'> & { readonly inFlight: InFlight },
    stream: EventStream | null,
    onDone: (json: string | null) => void,
  ) {
    this.id = facts.id
    this.identity = facts.identity
    this.inFlight = facts.inFlight
    this.#stream = stream
    this.#onDone = onDone
  }

  get canStream(): boolean {
    return this.#stream !== null
  }

  startStream(): void {}

  send(json: string): void {
    if (!this.#isOver) this.#stream?.send(json)
  }

  sendProgress(json: string): void {
    if (!this.#isOver) this.#stream?.sendLatest(json)
  }

  sendDroppable(json: string): void {
    if (!this.#isOver) this.#stream?.sendDroppable(json)
  }

  finish(json: string): void {
    if (this.#isOver) {
      this.work?.answerLeft?.()
      return
    }
    this.#isOver = true
    this.#onDone(json)
  }

  abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onDone(null)
  }

  /** The client is gone. */
  leave(): void {
    this.#isOver = true
    this.work?.clientGone()
  }
}
