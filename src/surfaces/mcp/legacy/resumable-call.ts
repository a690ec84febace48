// A request over HTTP whose event stream outlives its connection: what cannot be told now is kept, and the client that comes back
// with the id of the last event it has goes on from there. A request that is answered at once never has a log.
//
//   held --connection gone--> loose --GET with Last-Event-ID--> held ... --finish--> ended, and for a while still told again

import type { ServerResponse } from 'node:http'
import { type EventStream, openEventStream } from '../../../transport/sse.ts'
import { whenClosed } from '../../../transport/when-closed.ts'
import type { RequestId } from '../envelope.ts'
import type { Cancellable, Exchange, InFlight } from '../exchange.ts'
import type { HttpExchange } from '../http-exchange.ts'
import type { McpSurfaceOptions } from '../mcp-options.ts'
import { errorMessage } from '../messages.ts'
import { retryMs } from './session-stream.ts'
import type { StreamLog, TakeUp } from './stream-log.ts'

const unavailable = -32_000

/** What it is made of. */
export interface ResumableCallOptions {
  readonly surface: Pick<McpSurfaceOptions, 'clock' | 'flow'>
  /** Begins the log of its stream. */
  openLog(): StreamLog
}

/** What whoever comes back hears of a request that is not here any more: it must not wait for ever. */
export function lostAnswer(id: RequestId): string {
  return errorMessage(
    id,
    unavailable,
    'The connection broke while this request was being worked on, and its answer is not here any more: the server was restarted, or too much had to be kept meanwhile. It may or may not have been done; it was not done a second time. The tool "result" has what was kept. Call again if that is nothing and it is wanted.',
  )
}

// Holds nothing of the request: its connection would stay in memory as long as its log.
function tellAgain(
  log: StreamLog,
  id: RequestId,
  surface: ResumableCallOptions['surface'],
  onTaken: () => void,
): TakeUp {
  return (response, after) => {
    const stream = openEventStream(response, surface)
    for (const event of log.after(after)) stream.send(event.json, event.id)
    // The answer is the last one: what had to make room before it was said on the way.
    const isLost = log.isEndLost(after)
    stream.end(isLost ? lostAnswer(id) : undefined)
    if (isLost) return
    whenClosed(response, () => {
      if (response.writableFinished) onTaken()
    })
  }
}

// Whether the answer has been read by a later connection: the one that lost it may be found dead only then.
class AnswerFate {
  isTaken = false
}

// Apart from the call: what is made within a method reaches all that the others made there reach.
function takenOnce(fate: AnswerFate, tell: (() => void) | undefined): () => void {
  return () => {
    fate.isTaken = true
    tell?.()
  }
}

// The work as the connection that brought it sees it. A class for its getter: one in an object literal made per request keeps all that
// it reaches until the engine's next full collection (`test/scenarios/call-garbage.test.ts`).
class HeldWork implements Cancellable {
  readonly clientGone: () => void
  readonly readerGone: () => void
  readonly #call: ResumableCall

  constructor(call: ResumableCall, gone: () => void) {
    this.#call = call
    this.clientGone = gone
    this.readerGone = gone
  }

  get outlivesReader(): boolean {
    return this.#call.work?.outlivesReader === true
  }

  cancel(): void {
    this.#call.work?.cancel()
  }

  answerLost(json: string): void {
    this.#call.answerLost(json)
  }

  get answerLeft(): (() => void) | undefined {
    return this.#call.work?.answerLeft
  }
}

/** The exchange that a call sees. */
export class ResumableCall implements Exchange {
  readonly door = 'http'
  readonly id: RequestId
  readonly identity: Exchange['identity']
  readonly inFlight: InFlight | null
  readonly canStream: boolean
  work: Cancellable | null = null
  readonly #options: ResumableCallOptions
  readonly #first: HttpExchange
  #log: StreamLog | null = null
  /** The connection that took the stream up again. */
  #stream: EventStream | null = null
  /** The answer, until that connection is known to have taken it. */
  #answer: string | null = null
  readonly #fate = new AnswerFate()
  #isStarted = false
  #isLoose = false
  #isOver = false

  constructor(exchange: HttpExchange, options: ResumableCallOptions) {
    this.#first = exchange
    this.#options = options
    this.id = exchange.id
    this.identity = exchange.identity
    this.inFlight = exchange.inFlight
    this.canStream = exchange.canStream
    exchange.work = new HeldWork(this, () => this.#gone())
  }

  get outlivesConnection(): boolean {
    return this.#log !== null
  }

  startStream(): void {
    if (this.#isStarted || this.#isOver || !this.canStream) return
    this.#isStarted = true
    this.#first.startStream()
    // As the head itself: what is answered by promises that are ready by now needs no way back.
    queueMicrotask(() => process.nextTick(() => this.#prime()))
  }

  #prime(): void {
    if (!this.#isStarted || this.#log !== null || this.#isOver || this.#isLoose) return
    const log = this.#options.openLog()
    log.takeUp = (response, after) => this.#takeUp(response, after)
    this.#log = log
    this.#first.prime(log.firstId, retryMs)
  }

  send(json: string): void {
    if (this.#isOver) return
    this.startStream()
    this.#prime()
    const id = this.#log?.append(json)
    if (this.#stream === null) this.#first.send(json, id)
    else this.#stream.send(json, id)
  }

  sendProgress(json: string): void {
    if (this.#isOver) return
    this.startStream()
    this.#prime()
    if (this.#stream === null) this.#first.sendProgress(json)
    else this.#stream.sendLatest(json)
  }

  sendDroppable(json: string): void {
    if (this.#isOver) return
    this.startStream()
    this.#prime()
    if (this.#stream === null) this.#first.sendDroppable(json)
    else this.#stream.sendDroppable(json)
  }

  finish(json: string, status?: number): void {
    if (this.#isOver) return
    this.#isOver = true
    const id = this.#log?.append(json)
    if (this.#stream === null) this.#first.finish(json, status, id)
    else {
      this.#answer = json
      this.#stream.end(json, id)
      if (this.#isLoose) this.work?.answerLeft?.()
    }
    if (this.#log === null) return
    const onTaken = takenOnce(this.#fate, this.work?.answerTaken)
    this.#log.takeUp = tellAgain(this.#log, this.id, this.#options.surface, onTaken)
    this.#log.end()
  }

  abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#log?.drop()
    if (this.#stream === null) this.#first.abandon()
    else this.#stream.end()
  }

  /** A connection did not take the answer. */
  answerLost(json: string): void {
    if (!this.#fate.isTaken) this.work?.answerLost?.(json)
  }

  #gone(): void {
    if (this.#isOver) return
    this.#isLoose = true
    this.#log?.left()
    this.work?.clientGone()
  }

  #takeUp(response: ServerResponse, after: number): void {
    const log = this.#log
    if (log === null) return
    const before = this.#stream
    const stream = openEventStream(response, this.#options.surface)
    this.#stream = stream
    if (before === null) this.#first.abandon()
    else before.end()
    if (this.#isLoose) {
      this.#isLoose = false
      this.work?.clientBack?.()
    }
    for (const { id, json } of log.after(after)) stream.send(json, id)
    log.taken()
    whenClosed(response, () => {
      if (this.#stream !== stream) return
      // Gone while the answer was on its way, as where the call began: whoever can come back may ask for it.
      if (this.#answer !== null && !response.writableFinished) this.answerLost(this.#answer)
      this.#answer = null
      if (this.#isOver) this.work?.answerLeft?.()
      this.#gone()
    })
  }
}
