// The bridge between one client on stdio and the server: messages pass both ways. When the connection breaks, the client
// keeps its session: `initialize` is replayed on the next connection before anything else. What was in flight is sent again
// where that is safe: what changes nothing, and a call if the process that may have seen it can recognise it. The rest is
// answered with one error, because nobody can say whether it was carried out.
//
//   connecting --open--> greeting --answered--> ready --close--> waiting --backoff--> connecting

import { afterBreak, isUnbegun, mayBeginAt, mayResend } from './after-break.ts'
import { Backoff } from './backoff.ts'
import { BridgeErrors, largeAnswerLine } from './bridge-errors.ts'
import type { BridgeOptions } from './bridge-options.ts'
import { ClientSession } from './client-session.ts'
import { Greeting } from './greeting.ts'
import { listenMethod, RequestsInFlight, type SentRequest } from './in-flight.ts'
import type { OverlongLine } from './line-splitter.ts'
import type { LinkEnd, ServerFate } from './link.ts'
import { MeasuredLink } from './measured-link.ts'
import { Outbox, type WaitingMessage } from './outbox.ts'
import { readEdges } from './overlong.ts'
import { cancelLine, type PassingMessage, type RpcId, readPassingMessage, toLine } from './passing-message.ts'
import { asResent, markBytesMax, repeatOf, withKey } from './repeat.ts'
import { ServerRequests } from './server-requests.ts'

// A server that stops, and is started again, has let its running calls finish for half a minute.
const outboxLimits = { messagesMax: 64, bytesMax: 4 * 1024 * 1024, waitMs: 60_000 }
const inFlightLimits = { countMax: 1024, bytesMax: 4 * 1024 * 1024 }

/** One client's bridge; lives as long as the client's stdin. */
export class Bridge {
  readonly #options: BridgeOptions
  readonly #errors: BridgeErrors
  readonly #outbox: Outbox
  readonly #backoff: Backoff
  readonly #inFlight: RequestsInFlight = new RequestsInFlight(inFlightLimits)
  readonly #serverRequests: ServerRequests = new ServerRequests()
  readonly #session: ClientSession = new ClientSession()
  #link: MeasuredLink | null = null
  #greeting: Greeting | null = null
  #isReady = false
  #isEnded = false
  #greetings = 0
  #keys = 0
  /** The process of the last connection that told its name. */
  #lastInstance: string | null = null

  constructor(options: BridgeOptions) {
    this.#options = options
    this.#errors = new BridgeErrors(options)
    this.#backoff = new Backoff(options.clock, options.random, () => this.#open())
    this.#outbox = new Outbox(options.clock, outboxLimits, {
      onWaiting: (message) => this.#errors.waiting(message),
      onExpired: ({ id, resend }) => this.#errors.unreachable(id, outboxLimits.waitMs, resend !== undefined),
    })
  }

  /** Bytes on the way to the server that have not left yet. */
  get bufferedBytes(): number {
    return this.#link?.link.bufferedBytes() ?? 0
  }

  /** Begins to connect. */
  start(): void {
    this.#open()
  }

  /** The reader of our lines cannot keep up (`pause`), or can again. */
  setPaused(isPaused: boolean): void {
    this.#link?.setPaused(isPaused)
  }

  /** Cancels what is in flight, closes the connection and forgets everything. */
  end(): void {
    // A call outlives its connection, for a bridge that comes back: this one does not.
    if (this.#isReady) for (const { id } of this.#inFlight.all()) this.#link?.send(cancelLine(id))
    this.#isEnded = true
    this.#backoff.stop()
    this.#greeting?.stop()
    this.#outbox.clear()
    this.#inFlight.clear()
    this.#link?.link.close()
  }

  /** One line from the client. */
  fromClient(line: string): void {
    const passing = readPassingMessage(line)
    switch (passing.kind) {
      case 'broken':
        this.#errors.notJson()
        return
      case 'request':
        this.#request(passing, line)
        return
      case 'response':
        if (!this.#serverRequests.take(passing.id)) return
        // Without an answer the server would wait until its time is over.
        if (!this.#pass(line)) this.#pass(largeAnswerLine(passing.id, Buffer.byteLength(line)))
        return
      case 'notification':
        this.#notification(passing, line)
        return
      case 'other':
        this.#sendOrWait(line)
    }
  }

  /** A line from the client that is longer than `bytesMax`, and was not read. */
  overlong({ bytes, head, tail }: OverlongLine, bytesMax: number): void {
    const { id, hasMethod } = readEdges(head, tail)
    if (id !== null && !hasMethod) {
      if (this.#serverRequests.take(id)) this.#pass(largeAnswerLine(id, bytes))
    } else this.#errors.overlong(id, bytes, bytesMax)
  }

  #request(passing: Extract<PassingMessage, { kind: 'request' }>, line: string): void {
    const { id, method, message } = passing
    if (this.#inFlight.isFull) {
      this.#errors.crowded(id, inFlightLimits.countMax)
      return
    }
    if (method === 'initialize') this.#session.asked(message)
    const isKeyed = repeatOf(method) === 'keyed'
    const text = isKeyed ? withKey(message, `${this.#options.keyPrefix}-${++this.#keys}`) : line
    if (this.#isReady) this.#send({ id, method, text, sendings: 1, sentAtMs: this.#options.clock.wallMs() })
    else this.#wait({ id, text, sendings: 0 })
  }

  #notification(passing: Extract<PassingMessage, { kind: 'notification' }>, text: string): void {
    if (passing.cancels !== null) {
      this.#cancel(passing.cancels, text)
      return
    }
    const isConfirmation = passing.method === 'notifications/initialized'
    if (isConfirmation) this.#session.confirmed()
    // While not connected that goes out with `initialize`.
    if (this.#isReady || !isConfirmation) this.#sendOrWait(text)
  }

  #cancel(id: RpcId, text: string): void {
    if (this.#outbox.cancel(id, text)) return
    // Neither waiting nor in flight: it has been answered, or died with its connection.
    if (this.#inFlight.take(id) !== null && this.#isReady) this.#link?.send(text)
  }

  #sendOrWait(text: string): void {
    if (this.#isReady) this.#pass(text)
    else this.#wait({ id: null, text, sendings: 0 })
  }

  #wait(message: WaitingMessage): void {
    if (message.id !== null) this.#backoff.hurry()
    if (this.#outbox.add(message)) return
    const { id, text } = message
    const bytes = Buffer.byteLength(text)
    if (bytes <= outboxLimits.bytesMax) this.#errors.noRoom(id, outboxLimits)
    else this.#errors.tooLargeToWait(id, bytes, outboxLimits.bytesMax)
  }

  #send(request: SentRequest & { readonly text: string }, marked: string = request.text): void {
    const { id, method, text } = request
    const link = this.#link
    if (link?.isTooLarge(text, repeatOf(method) === 'keyed' ? markBytesMax : 0) === true) {
      this.#errors.tooLarge(id, Buffer.byteLength(text), link.bytesMax)
      return
    }
    this.#inFlight.add(request)
    link?.send(marked, id)
  }

  /** Sends what the client waits for no answer to; false when it is too large: one such message costs the whole connection. */
  #pass(text: string): boolean {
    const isTooLarge = this.#link?.isTooLarge(text) === true
    if (!isTooLarge) this.#link?.send(text)
    else this.#options.log(`a message of ${Buffer.byteLength(text)} bytes was dropped: the server takes less`)
    return !isTooLarge
  }

  #open(): void {
    const link = this.#options.connect({
      onOpen: () => this.#opened(),
      onMessage: (text) => this.#fromServer(text),
      onSent: () => this.#options.onSent(),
      onClose: (end) => this.#closed(end),
    })
    this.#link = new MeasuredLink(link)
  }

  #opened(): void {
    this.#greeting = new Greeting({
      number: ++this.#greetings,
      session: this.#session,
      needsInstance: this.#lastInstance !== null,
      clock: this.#options.clock,
      send: (text) => this.#link?.send(text),
      onBytesMax: (bytes) => {
        if (this.#link !== null) this.#link.bytesMax = bytes
      },
      isWanted: (setting) => this.#session.settings.wants(setting, this.#inFlight.all()),
      log: (line) => this.#options.log(line),
      onDone: () => this.#becomeReady(),
      onFailed: (why) => {
        this.#options.log(why)
        this.#link?.link.close()
      },
    })
    this.#greeting.start()
  }

  #becomeReady(): void {
    this.#isReady = true
    this.#backoff.ready()
    if (!this.#backoff.isFirst) this.#options.log(`connected to ${this.#options.url}`)
    // Streams that only listen are taken up again.
    for (const { id, text } of this.#inFlight.all()) if (text !== null) this.#link?.send(text, id)
    for (let next = this.#outbox.take(); next !== null; next = this.#outbox.take()) this.#sendWaiting(next)
  }

  #sendWaiting(waiting: WaitingMessage): void {
    const passing = readPassingMessage(waiting.text)
    const { id, resend, text, waits = 0 } = waiting
    if (passing.kind !== 'request') this.#pass(text)
    else if (!mayResend(waiting, this.#greeting?.instance ?? null)) this.#errors.lost(id)
    else {
      const sendings = waiting.sendings + 1
      const wallMs = this.#options.clock.wallMs()
      const marked = resend === undefined ? text : asResent(text, mayBeginAt(resend, wallMs), sendings)
      const cancelText = resend?.cancelText ?? null
      if (cancelText === null) {
        const sentAtMs = resend?.sentAtMs ?? wallMs
        this.#send({ ...passing, text, sendings, waits: waits + 1, sentAtMs }, marked)
        const behind = this.#session.behind(passing.method)
        if (behind !== null) this.#pass(behind)
      } else if (this.#pass(marked)) this.#pass(cancelText)
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
      if (passing.isResult) this.#session.done(request)
    } else if (passing.kind === 'request' && !this.#serverRequests.add(passing.id)) return
    this.#options.write(toLine(text))
  }

  #closed({ reason, fate }: LinkEnd): void {
    this.#lastInstance = this.#greeting?.instance ?? this.#lastInstance
    this.#greeting?.stop()
    const link = this.#link
    this.#link = null
    this.#isReady = false
    const unanswered = this.#serverRequests.takeAll()
    this.#options.onSent()
    if (this.#isEnded) return
    for (const id of unanswered) this.#options.write(cancelLine(id))
    this.#backoff.closed()
    if (this.#backoff.isFirst || reason !== this.#errors.reason) {
      this.#options.log(`no connection to ${this.#options.url}: ${reason}; trying again`)
    }
    this.#errors.reason = reason
    if (fate === 'refused' && link !== null) this.#failRefused(link)
    this.#saveInFlight(fate)
    if (fate === 'barred') for (const message of this.#outbox.takeRequests()) this.#errors.barred(message)
    if (fate === 'gone' || fate === 'drained') {
      for (const { id } of this.#outbox.takeResends()) this.#errors.lost(id)
    }
    this.#greeting = null
    this.#backoff.again(fate === 'barred')
  }

  /** What was in flight waits to be sent again where that is safe, and fails where it is not. */
  #saveInFlight(fate: ServerFate): void {
    const instance = this.#greeting?.instance ?? null
    for (const request of this.#inFlight.all()) {
      if (request.method === listenMethod && request.text !== null) continue
      this.#inFlight.take(request.id)
      const waiting = afterBreak(request, { instance, fate })
      if (waiting !== null && this.#outbox.add(waiting)) continue
      const isKeyed = repeatOf(request.method) === 'keyed'
      // It was not begun: there is just no room to keep it.
      if (isKeyed && isUnbegun(request, fate)) this.#errors.noRoom(request.id, outboxLimits)
      else this.#errors.lost(request.id, isKeyed && fate === 'unknown')
    }
  }

  /** The largest of all that were sent is certainly too large; sent again, it would break the next connection as well. */
  #failRefused({ largest: { id, bytes }, bytesMax }: MeasuredLink): void {
    if (id !== null && this.#inFlight.take(id) !== null) this.#errors.tooLarge(id, bytes, bytesMax)
    else this.#options.log(`the server refused a message of ${bytes} bytes`)
  }
}
