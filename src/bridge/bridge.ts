// The bridge between one client on stdio and the server: messages pass both ways. When the connection breaks, the client
// keeps its session: `initialize` is replayed on the next connection before anything else. What was in flight is sent again
// where that is safe: what changes nothing, and a call if the process that may have seen it can recognise it. The rest is
// answered with one error, because nobody can say whether it was carried out.
//
//   connecting --open--> greeting --answered--> ready --close--> waiting --backoff--> connecting

import type { Timer } from '../lib/clock.ts'
import { afterBreak, type Moment, mayResend } from './after-break.ts'
import { Backoff } from './backoff.ts'
import type { BridgeOptions } from './bridge-options.ts'
import { Greeting } from './greeting.ts'
import { listenMethod, RequestsInFlight, type SentRequest } from './in-flight.ts'
import type { Link, LinkEnd, ServerFate } from './link.ts'
import { Outbox, type WaitingMessage } from './outbox.ts'
import {
  cancelLine,
  errorLine,
  idKey,
  type PassingMessage,
  type RpcId,
  readPassingMessage,
} from './passing-message.ts'
import { asResent, repeatOf, withKey } from './repeat.ts'

const outboxLimits = { messagesMax: 64, bytesMax: 4 * 1024 * 1024, waitMs: 30_000 }
const inFlightLimits = { countMax: 1024, charsMax: 4 * 1024 * 1024 }
const serverRequestsMax = 1024
const unavailable = -32_000

/** One client's bridge; lives as long as the client's stdin. */
export class Bridge {
  readonly #options: BridgeOptions
  readonly #outbox: Outbox
  readonly #backoff: Backoff
  readonly #inFlight: RequestsInFlight = new RequestsInFlight(inFlightLimits)
  /** Requests of the server that the client has not answered; only on this connection do their ids mean anything. */
  readonly #serverRequests: Set<string> = new Set()
  #link: Link | null = null
  #greeting: Greeting | null = null
  #isReady = false
  #isEnded = false
  #reason = 'not connected yet'
  #timer: Timer | null = null
  #initialize: { readonly message: object; isAnswered: boolean } | null = null
  #isInitializedSent = false
  #greetings = 0
  #keys = 0
  /** The process of the last connection that told its name. */
  #lastInstance: string | null = null

  constructor(options: BridgeOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.random)
    this.#outbox = new Outbox(options.clock, outboxLimits, ({ id, resend }) => {
      if (id === null) return
      const doubt =
        resend === undefined
          ? ''
          : ' after it was lost while this was running, so it may or may not have been done'
      this.#fail(id, `could not be reached for ${outboxLimits.waitMs / 1000} s${doubt}`)
    })
  }

  /** Bytes on the way to the server that have not left yet. */
  get bufferedBytes(): number {
    return this.#link?.bufferedBytes() ?? 0
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

  /** Cancels what is in flight, closes the connection and forgets everything. */
  end(): void {
    // A call outlives its connection, for a bridge that comes back: this one does not.
    if (this.#isReady) for (const { id } of this.#inFlight.all()) this.#link?.send(cancelLine(id))
    this.#isEnded = true
    this.#timer?.cancel()
    this.#greeting?.stop()
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
        this.#sendOrWait(line)
    }
  }

  #request(passing: Extract<PassingMessage, { kind: 'request' }>, line: string): void {
    const { id, method, message } = passing
    if (this.#inFlight.isFull) {
      this.#options.write(
        errorLine(id, unavailable, `${inFlightLimits.countMax} requests are already running. Wait for one.`),
      )
      return
    }
    if (method === 'initialize') this.#initialize = { message, isAnswered: false }
    const isKeyed = repeatOf(method) === 'keyed'
    const text = isKeyed ? withKey(message, `${this.#options.keyPrefix}-${++this.#keys}`) : line
    if (this.#isReady) this.#send({ id, method, text, sendings: 1 })
    else this.#wait({ id, text })
  }

  #notification(passing: Extract<PassingMessage, { kind: 'notification' }>, text: string): void {
    if (passing.cancels !== null) {
      this.#cancel(passing.cancels, text)
      return
    }
    if (passing.method === 'notifications/initialized') {
      this.#isInitializedSent = true
      // While not connected it goes out with the replay.
      if (this.#isReady) this.#link?.send(text)
      return
    }
    this.#sendOrWait(text)
  }

  #cancel(id: RpcId, text: string): void {
    const waiting = this.#outbox.remove(id)
    if (waiting?.resend !== undefined) {
      // It may be running at the server: it is taken up again only to be cancelled.
      this.#outbox.add({ ...waiting, id: null, resend: { ...waiting.resend, cancelText: text } })
    }
    // Neither waiting nor in flight: it has been answered, or died with its connection.
    if (waiting === null && this.#inFlight.take(id) !== null && this.#isReady) this.#link?.send(text)
  }

  #sendOrWait(text: string): void {
    if (this.#isReady) this.#link?.send(text)
    else this.#wait({ id: null, text })
  }

  #wait(message: WaitingMessage): void {
    if (this.#outbox.add(message) || message.id === null) return
    const { messagesMax, bytesMax } = outboxLimits
    const room = `${messagesMax} messages or ${bytesMax / 1024 / 1024} MiB`
    this.#fail(message.id, `is not connected, and too many messages wait for it already (room for ${room})`)
  }

  #send(request: SentRequest & { readonly text: string }, marked: string = request.text): void {
    this.#inFlight.add(request)
    this.#link?.send(marked)
  }

  #open(): void {
    this.#timer = null
    this.#link = this.#options.connect({
      onOpen: () => this.#opened(),
      onMessage: (text) => this.#fromServer(text),
      onSent: () => this.#options.onSent(),
      onClose: (end) => this.#closed(end),
    })
  }

  #opened(): void {
    const greeting: Greeting = new Greeting({
      number: ++this.#greetings,
      initialize: this.#initialize?.isAnswered === true ? this.#initialize.message : null,
      needsInstance: this.#lastInstance !== null,
      clock: this.#options.clock,
      send: (text) => this.#link?.send(text),
      onDone: () => this.#becomeReady(),
      onFailed: (why) => {
        this.#options.log(why)
        this.#link?.close()
      },
    })
    this.#greeting = greeting
    greeting.start()
  }

  #becomeReady(): void {
    if (this.#initialize?.isAnswered === true && this.#isInitializedSent) {
      this.#link?.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }))
    }
    this.#isReady = true
    this.#backoff.ready(this.#options.clock.now())
    if (!this.#backoff.isFirst) this.#options.log(`connected to ${this.#options.url}`)
    // Streams that only listen are taken up again.
    for (const { text } of this.#inFlight.all()) if (text !== null) this.#link?.send(text)
    for (let next = this.#outbox.take(); next !== null; next = this.#outbox.take()) this.#sendWaiting(next)
  }

  #sendWaiting(waiting: WaitingMessage): void {
    const passing = readPassingMessage(waiting.text)
    const { resend, text } = waiting
    if (passing.kind !== 'request') this.#link?.send(text)
    else if (resend === undefined) this.#send({ ...passing, text, sendings: 1 })
    else if (!mayResend(resend, this.#moment())) this.#failLost(waiting)
    else {
      const sendings = resend.sendings + 1
      const marked = asResent(text, resend.instance, sendings)
      if (resend.cancelText === null) this.#send({ ...passing, text, sendings }, marked)
      else {
        this.#link?.send(marked)
        this.#link?.send(resend.cancelText)
      }
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
      if (this.#greeting?.take(passing) === true) return
      const request = this.#inFlight.take(passing.id)
      // An answer to what was cancelled: the client has let go of that id.
      if (request === null) return
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

  #closed({ reason, fate }: LinkEnd): void {
    this.#lastInstance = this.#greeting?.instance ?? this.#lastInstance
    this.#greeting?.stop()
    this.#link = null
    this.#isReady = false
    this.#serverRequests.clear()
    this.#options.onSent()
    if (this.#isEnded) return
    this.#backoff.closed(this.#options.clock.now())
    if (this.#backoff.isFirst || reason !== this.#reason) {
      this.#options.log(`no connection to ${this.#options.url}: ${reason}; trying again`)
    }
    this.#reason = reason
    this.#saveInFlight(fate)
    if (fate !== 'unknown') for (const lost of this.#outbox.takeResends()) this.#failLost(lost)
    this.#greeting = null
    this.#timer = this.#options.clock.after(this.#backoff.next(), () => this.#open())
  }

  /** What was in flight waits to be sent again where that is safe, and fails where it is not. */
  #saveInFlight(fate: ServerFate): void {
    const moment = { ...this.#moment(), fate }
    for (const request of this.#inFlight.all()) {
      if (request.method === listenMethod && request.text !== null) continue
      this.#inFlight.take(request.id)
      const waiting = afterBreak(request, moment)
      if (waiting === null || !this.#outbox.add(waiting)) this.#failLost(request)
    }
  }

  #moment(): Moment {
    return { instance: this.#greeting?.instance ?? null, wallMs: this.#options.clock.wallMs() }
  }

  #failLost({ id }: { readonly id: RpcId | null }): void {
    if (id !== null) this.#fail(id, 'was lost while this was running, so it may or may not have been done')
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
