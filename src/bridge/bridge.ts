// The bridge between one client on stdio and the server: messages pass both ways as they are. When the connection breaks,
// the client keeps its session: `initialize` is replayed on the next connection before anything else. What was in flight is
// answered with one error, because nobody can say whether it was carried out.
//
//   connecting --open--> [replaying] --answered--> ready --close--> waiting --backoff--> connecting

import type { Clock, Timer } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { Connect, Link } from './link.ts'
import { Outbox } from './outbox.ts'
import { errorLine, idKey, type PassingMessage, type RpcId, readPassingMessage } from './passing-message.ts'

/** What the bridge is built from. */
export interface BridgeOptions {
  /** The server's address, for messages. */
  readonly url: string
  readonly connect: Connect
  /** Hands one line, without its end, to the client. */
  write(line: string): void
  /** A line for people, never on stdout. */
  log(line: string): void
  /** The link has room again. */
  onSent(): void
  readonly clock: Clock
  readonly random: Random
}

interface InFlight {
  readonly id: RpcId
  readonly method: string
  readonly text: string
}

const outboxLimits = { messagesMax: 64, bytesMax: 4 * 1024 * 1024, waitMs: 30_000 }
const inFlightMax = 1024
const serverRequestsMax = 1024
const backoffBaseMs = 200
const backoffMaxMs = 5_000
const replayTimeoutMs = 10_000
const steadyMs = 5_000
const unavailable = -32_000

/** One client's bridge; lives as long as the client's stdin. */
export class Bridge {
  readonly #options: BridgeOptions
  readonly #outbox: Outbox
  readonly #inFlight: Map<string, InFlight> = new Map()
  /** Requests of the server that the client has not answered; only on this connection do their ids mean anything. */
  readonly #serverRequests: Set<string> = new Set()
  #link: Link | null = null
  #isReady = false
  #isEnded = false
  #attempts = 0
  #readyAt: number | null = null
  #reason = 'not connected yet'
  #timer: Timer | null = null
  #initialize: { readonly message: object; isAnswered: boolean } | null = null
  #isInitializedSent = false
  #replayId: string | null = null
  #replays = 0

  constructor(options: BridgeOptions) {
    this.#options = options
    this.#outbox = new Outbox(options.clock, outboxLimits, ({ id }) => {
      if (id !== null) this.#fail(id, `could not be reached for ${outboxLimits.waitMs / 1000} s`)
    })
  }

  /** Bytes on the way to the server that have not left yet. */
  get bufferedBytes(): number {
    return this.#link?.bufferedBytes ?? 0
  }

  /** Begins to connect. */
  start(): void {
    this.#open()
  }

  /** The reader of our lines cannot keep up (`pause`), or can again. */
  setPaused(isPaused: boolean): void {
    if (isPaused) this.#link?.pause()
    else this.#link?.resume()
  }

  /** Closes the connection and forgets everything; the server ends what was in flight. */
  end(): void {
    this.#isEnded = true
    this.#timer?.cancel()
    this.#outbox.clear()
    this.#inFlight.clear()
    this.#link?.close()
  }

  /** One line from the client. */
  fromClient(line: string): void {
    const passing = readPassingMessage(line)
    switch (passing.kind) {
      case 'broken':
        this.#options.write(
          errorLine(null, -32_700, 'This line is not JSON. Send one JSON-RPC message a line.'),
        )
        return
      case 'request':
        this.#request(passing, line)
        return
      case 'response':
        if (this.#serverRequests.delete(idKey(passing.id))) this.#link?.send(line)
        return
      case 'notification':
        this.#notification(passing, line)
        return
      case 'other':
        this.#sendOrWait(null, line)
    }
  }

  #request(passing: Extract<PassingMessage, { kind: 'request' }>, text: string): void {
    const { id, method } = passing
    if (this.#inFlight.size >= inFlightMax) {
      this.#options.write(
        errorLine(id, unavailable, `${inFlightMax} requests are already running. Wait for one.`),
      )
      return
    }
    if (method === 'initialize') this.#initialize = { message: passing.message, isAnswered: false }
    if (!this.#isReady) this.#sendOrWait(id, text)
    else this.#sendRequest({ id, method, text })
  }

  #notification(passing: Extract<PassingMessage, { kind: 'notification' }>, text: string): void {
    if (passing.cancels !== null) {
      if (this.#outbox.remove(passing.cancels)) return
      // Not in flight: it has been answered, or died with its connection.
      if (this.#inFlight.delete(idKey(passing.cancels)) && this.#isReady) this.#link?.send(text)
      return
    }
    if (passing.method === 'notifications/initialized') {
      this.#isInitializedSent = true
      // While not connected it goes out with the replay.
      if (this.#isReady) this.#link?.send(text)
      return
    }
    this.#sendOrWait(null, text)
  }

  #sendOrWait(id: RpcId | null, text: string): void {
    if (this.#isReady) this.#link?.send(text)
    else if (!this.#outbox.add({ id, text }) && id !== null) {
      this.#fail(id, 'is not connected, and too many messages wait for it already')
    }
  }

  #sendRequest(request: InFlight): void {
    this.#inFlight.set(idKey(request.id), request)
    this.#link?.send(request.text)
  }

  #open(): void {
    this.#timer = null
    this.#link = this.#options.connect({
      onOpen: () => this.#opened(),
      onMessage: (text) => this.#fromServer(text),
      onSent: () => this.#options.onSent(),
      onClose: (reason) => this.#closed(reason),
    })
  }

  #opened(): void {
    if (this.#initialize?.isAnswered !== true) {
      this.#becomeReady()
      return
    }
    this.#replayId = `exai-bridge-initialize-${++this.#replays}`
    this.#timer = this.#options.clock.after(replayTimeoutMs, () => this.#link?.close())
    this.#link?.send(JSON.stringify({ ...this.#initialize.message, id: this.#replayId }))
  }

  #replayed(isResult: boolean): void {
    this.#replayId = null
    this.#timer?.cancel()
    if (!isResult) {
      this.#options.log('the server refused to take the session up again')
      this.#link?.close()
      return
    }
    if (this.#isInitializedSent) {
      this.#link?.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }))
    }
    this.#becomeReady()
  }

  #becomeReady(): void {
    this.#isReady = true
    this.#readyAt = this.#options.clock.now()
    if (this.#attempts > 0) this.#options.log(`connected to ${this.#options.url}`)
    // Streams that only listen are taken up again.
    for (const request of this.#inFlight.values()) this.#link?.send(request.text)
    for (let next = this.#outbox.take(); next !== null; next = this.#outbox.take()) {
      const passing = readPassingMessage(next.text)
      if (passing.kind === 'request') this.#sendRequest({ ...passing, text: next.text })
      else this.#link?.send(next.text)
    }
  }

  #fromServer(text: string): void {
    if (this.#isEnded) return
    const passing = readPassingMessage(text)
    if (passing.kind === 'broken') {
      this.#options.log('a message of the server was not JSON and was dropped')
      return
    }
    if (passing.kind === 'response') {
      if (passing.id === this.#replayId) {
        this.#replayed(passing.isResult)
        return
      }
      const request = this.#inFlight.get(idKey(passing.id))
      // An answer to what was cancelled: the client has let go of that id.
      if (request === undefined) return
      this.#inFlight.delete(idKey(passing.id))
      if (request.method === 'initialize' && passing.isResult && this.#initialize !== null) {
        this.#initialize.isAnswered = true
      }
    } else if (passing.kind === 'request') {
      if (this.#serverRequests.size >= serverRequestsMax) return
      this.#serverRequests.add(idKey(passing.id))
    }
    // One message a line: a frame may be printed over several.
    this.#options.write(/[\r\n]/.test(text) ? JSON.stringify(JSON.parse(text)) : text)
  }

  #closed(reason: string): void {
    this.#link = null
    this.#isReady = false
    this.#replayId = null
    this.#timer?.cancel()
    this.#serverRequests.clear()
    this.#options.onSent()
    if (this.#isEnded) return
    // A server that takes us and throws us out at once is not knocked at faster than one that is down.
    const isSteady = this.#readyAt !== null && this.#options.clock.now() - this.#readyAt >= steadyMs
    if (isSteady) this.#attempts = 0
    this.#readyAt = null
    if (this.#attempts === 0 || reason !== this.#reason) {
      this.#options.log(`no connection to ${this.#options.url}: ${reason}; trying again`)
    }
    this.#reason = reason
    this.#answerInFlight()
    const ceiling = Math.min(backoffMaxMs, backoffBaseMs * 2 ** Math.min(this.#attempts, 10))
    this.#attempts++
    // Half fixed, half by chance: all windows of a restarted server must not knock at once.
    const delayMs = ceiling / 2 + (ceiling / 2) * this.#options.random()
    this.#timer = this.#options.clock.after(delayMs, () => this.#open())
  }

  #answerInFlight(): void {
    for (const [key, { id, method, text }] of this.#inFlight) {
      if (method === 'subscriptions/listen') continue
      this.#inFlight.delete(key)
      // A handshake changes nothing, so it may be sent twice; without it the client has no server at all.
      if (method === 'initialize' && this.#outbox.add({ id, text })) continue
      this.#fail(id, 'was lost while this was running, so it may or may not have been done')
    }
  }

  #fail(id: RpcId, what: string): void {
    this.#options.write(
      errorLine(
        id,
        unavailable,
        `The exai server at ${this.#options.url} ${what} (${this.#reason}). The bridge goes on trying to connect; if the server is not running, start it with "exai serve". Then call again.`,
      ),
    )
  }
}
