// One HTTP exchange: reading the body within a bound, waiting, and playing a wire plan on the socket. It knows when the
// client has gone and ends every wait then; no timer of it outlives the request.

import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import type { Ending, WirePlan } from './wire.ts'

/** The client closed the connection, or the simulator is closing. */
export class ClientGone extends Error {}

/** The body is larger than allowed. */
export class BodyTooLarge extends Error {}

/** One request and its answer. */
export class Exchange {
  readonly request: IncomingMessage
  readonly #response: ServerResponse
  readonly #gone = new AbortController()
  readonly #startedAt = performance.now()

  constructor(request: IncomingMessage, response: ServerResponse, closing: AbortSignal) {
    this.request = request
    this.#response = response
    const leave = () => this.#gone.abort()
    // 'close' also comes after a proper end; aborting then wakes nobody.
    response.once('close', () => {
      closing.removeEventListener('abort', leave)
      leave()
    })
    // A socket torn down mid-body reports an error here; the close above already ends the exchange.
    request.on('error', leave)
    response.on('error', leave)
    closing.addEventListener('abort', leave, { once: true })
  }

  /** Aborts when the client has gone. */
  get signal(): AbortSignal {
    return this.#gone.signal
  }

  /** Milliseconds since the request arrived. */
  get ageMs(): number {
    return performance.now() - this.#startedAt
  }

  /** The whole body, at most `bytesMax`. Throws BodyTooLarge or ClientGone. */
  async body(bytesMax: number): Promise<Buffer> {
    const parts: Buffer[] = []
    let size = 0
    try {
      for await (const part of this.request) {
        const bytes = Buffer.isBuffer(part) ? part : Buffer.from(part)
        size += bytes.length
        if (size > bytesMax) throw new BodyTooLarge()
        parts.push(bytes)
      }
    } catch (error) {
      if (error instanceof BodyTooLarge) throw error
      throw new ClientGone('the client closed while sending its body', { cause: error })
    }
    return Buffer.concat(parts, size)
  }

  /** Waits until the exchange is `ageMs` old. Throws ClientGone when the client leaves first. */
  async until(ageMs: number): Promise<void> {
    this.#checkHere()
    const left = ageMs - this.ageMs
    // Below half a millisecond a timer would only add its own millisecond.
    if (left < 0.5) return
    try {
      await pause(left, undefined, { signal: this.signal })
    } catch (error) {
      throw new ClientGone('the client left while waiting', { cause: error })
    }
  }

  /** Waits until the client leaves, which is then thrown as ClientGone. */
  async untilGone(): Promise<never> {
    await new Promise<void>((done) => {
      if (this.signal.aborted) done()
      else this.signal.addEventListener('abort', () => done(), { once: true })
    })
    throw new ClientGone('the client left')
  }

  /**
   * Plays a plan whose clock starts now. `onFirstByte` is told when the head leaves, `onLastByte` right before the last
   * byte does (or before the reset): a client that has its whole answer must find its slot free.
   */
  async play(plan: WirePlan, onFirstByte: () => void, onLastByte: () => void): Promise<void> {
    let dueMs = this.ageMs
    const sendHead = () => {
      if (this.#response.headersSent) return
      this.#response.writeHead(plan.status, plan.headers)
      this.#response.flushHeaders()
      onFirstByte()
    }
    if (plan.headAtOnce) sendHead()
    for (const frame of plan.frames) {
      dueMs += frame.gapMs
      await this.until(dueMs)
      sendHead()
      if (frame.text.length > 0) await this.#write(frame.text)
    }
    await this.#finish(plan.ending, sendHead, onLastByte)
  }

  async #finish(ending: Ending, sendHead: () => void, onLastByte: () => void): Promise<void> {
    if (ending === 'silence') return this.untilGone()
    if (ending === 'reset') {
      // Let what was written reach the client first: a reset may throw away what the kernel still holds.
      await new Promise((flushed) => setImmediate(flushed))
      onLastByte()
      this.#response.socket?.resetAndDestroy()
      return
    }
    sendHead()
    onLastByte()
    const closed = once(this.#response, 'close')
    this.#response.end()
    await closed
    if (!this.#response.writableFinished) throw new ClientGone('the client left before the last byte')
  }

  async #write(text: string | Uint8Array): Promise<void> {
    this.#checkHere()
    if (this.#response.write(text)) return
    try {
      await once(this.#response, 'drain', { signal: this.signal })
    } catch (error) {
      throw new ClientGone('the client left while the answer was being written', { cause: error })
    }
  }

  #checkHere(): void {
    if (this.signal.aborted) throw new ClientGone('the client left')
  }
}
