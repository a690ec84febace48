// One server-sent event stream: headers within the tick, one JSON message an event, a comment now and then so that nobody on
// the way thinks it dead. What is short goes to a healthy reader in the write that is made for it; what is long, and what a
// reader does not take, waits in a spool: results and questions in order, of progress the newest. A reader that takes nothing
// for long loses the stream.

import type { ServerResponse } from 'node:http'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Flow } from '../streams/flow.ts'
import type { Spool } from '../streams/spool.ts'
import { spoolResponse } from './response-spool.ts'

/** How a stream is bounded. Milliseconds. */
export interface EventStreamOptions {
  readonly clock: Clock
  readonly flow: Flow
  readonly keepAliveMs?: number
  readonly headers?: Readonly<Record<string, string>>
  /** The reader took nothing for too long, and the stream is about to be destroyed: also after `end`. */
  readonly onLost?: () => void
}

/** Writes events; every method is harmless after the end. */
export interface EventStream {
  /** An event without data, whose id lets a reader come back after `retryMs` if the connection breaks. */
  prime(id: string, retryMs: number): void
  /** A message that must arrive; `id` lets a reader come back to where it was. */
  send(json: string, id?: string): void
  /** One of several answers: must arrive, and waits its turn among results. Progress that waits is worth nothing now. */
  sendResult(json: string): void
  /** Progress: while the reader is behind, the newest takes the place of what waits. */
  sendLatest(json: string): void
  /** A message that may be lost; false when it was. */
  sendDroppable(json: string, id?: string): boolean
  /** Ends the stream, with a last message if given. */
  end(json?: string, id?: string): void
  readonly isOpen: boolean
}

const headers = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/**
 * Opens the stream: status 200 and headers leave within the tick, so that a client's header timeout never strikes. On a response that
 * is closed already it is not open.
 */
export function openEventStream(response: ServerResponse, options: EventStreamOptions): EventStream {
  return new ResponseEvents(response, options)
}

class ResponseEvents implements EventStream {
  readonly #response: ServerResponse
  readonly #options: EventStreamOptions
  readonly #keepAliveMs: number
  #spool: Spool | null = null
  #timer: Timer | null = null
  #isOpen: boolean
  // Events from before the head has left, at most a quantum.
  #early = ''
  #hasHead = false

  constructor(response: ServerResponse, options: EventStreamOptions) {
    this.#response = response
    this.#options = options
    this.#keepAliveMs = options.keepAliveMs ?? 15_000
    this.#isOpen = !response.closed
    if (!this.#isOpen) return
    response.on('close', this.#stop)
    // The head leaves once the promises that are ready by now have run: a call that ends at once costs one write of known
    // length, and no other call waits longer than that.
    queueMicrotask(() => process.nextTick(this.#begin))
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  prime(id: string, retryMs: number): void {
    if (this.#isOpen) this.#sendEvent(`id: ${id}\nretry: ${retryMs}\ndata: \n\n`)
  }

  send(json: string, id?: string): void {
    if (this.#isOpen) this.#sendEvent(toEvent(json, id))
  }

  sendResult(json: string): void {
    if (!this.#isOpen) return
    this.#spool?.dropLatest(this)
    this.#sendEvent(toEvent(json), 1)
  }

  #sendEvent(event: string, rank: 0 | 1 = 0): void {
    if (this.#isEarly(event)) this.#early += event
    else if (this.#canWrite(event)) this.#write(event)
    else this.#spooled().put(rank, event)
  }

  sendLatest(json: string): void {
    if (!this.#isOpen) return
    const event = toEvent(json)
    if (this.#isEarly(event)) this.#early += event
    else if (this.#canWrite(event)) this.#write(event)
    else this.#spooled().putLatest(this, event)
  }

  sendDroppable(json: string, id?: string): boolean {
    if (!this.#isOpen || this.#spool?.isClear === false) return false
    this.send(json, id)
    return true
  }

  end(json?: string, id?: string): void {
    if (!this.#isOpen) return
    this.#stop()
    const event = json === undefined ? '' : toEvent(json, id)
    if (this.#isEarly(event)) {
      const body = this.#early + event
      this.#writeHead({ 'content-length': String(Buffer.byteLength(body)) })
      this.#endWith(body)
      return
    }
    if (this.#canWrite(event)) {
      this.#endWith(event)
      return
    }
    const spool = this.#spooled()
    if (event !== '') spool.put(1, event)
    spool.end()
  }

  #endWith(last: string): void {
    this.#options.flow.batch.add(() => {
      this.#response.end(last)
      if (this.#response.writableLength > 0) this.#spooled().behind()
    })
  }

  // True while the head waits and `event` may wait with it; else the head has left.
  #isEarly(event: string): boolean {
    if (this.#hasHead) return false
    if (this.#early.length + event.length <= this.#options.flow.loop.quantumBytes) return true
    this.#sendHead()
    return false
  }

  readonly #begin = (): void => {
    if (this.#isOpen && !this.#hasHead) this.#sendHead()
  }

  #sendHead(): void {
    this.#writeHead({})
    if (this.#early === '') this.#response.flushHeaders()
    else this.#write(this.#early)
    this.#early = ''
    if (this.#isOpen) this.#timer = this.#options.clock.after(this.#keepAliveMs, this.#keepAlive)
  }

  #writeHead(more: Readonly<Record<string, string>>): void {
    this.#hasHead = true
    this.#response.writeHead(200, { ...headers, ...this.#options.headers, ...more })
  }

  #canWrite(event: string): boolean {
    return (
      (this.#spool === null || this.#spool.isClear) && event.length <= this.#options.flow.loop.quantumBytes
    )
  }

  #write(event: string): void {
    if (!this.#response.write(event)) this.#spooled().blocked()
  }

  #spooled(): Spool {
    this.#spool ??= spoolResponse(this.#response, this.#options.flow, () => {
      this.#stop()
      this.#options.onLost?.()
    })
    return this.#spool
  }

  readonly #stop = (): void => {
    this.#isOpen = false
    this.#timer?.cancel()
    this.#timer = null
  }

  readonly #keepAlive = (): void => {
    if (!this.#isOpen) return
    // A few bytes that lie there since the last time block nothing, so nothing else would notice that nobody takes them.
    if ((this.#response.socket?.writableLength ?? 0) > 0) this.#spooled().behind()
    if (this.#canWrite('')) this.#write(': keep-alive\n\n')
    this.#timer = this.#options.clock.after(this.#keepAliveMs, this.#keepAlive)
  }
}

function toEvent(json: string, id?: string): string {
  return id === undefined ? `data: ${json}\n\n` : `id: ${id}\ndata: ${json}\n\n`
}
