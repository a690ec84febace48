// One WebSocket and the client behind it: many requests at once, told apart by id. It begins with `initialize` (2025
// era); a message that carries the stateless era's metadata is served by that era, on the same connection. When the
// connection closes its calls lose their client.

import type { Identity } from '../../domain/identity.ts'
import { drainedReason, instanceMethod } from '../../domain/resend.ts'
import { unreachable } from '../../lib/assert.ts'
import type { WebSocketConnection } from '../../transport/websocket-face.ts'
import { ClosingMoment } from './closing-moment.ts'
import {
  type BatchEnvelope,
  type Envelope,
  parseEnvelope,
  type RequestEnvelope,
  type RequestId,
  rpcCode,
} from './envelope.ts'
import type { InFlight } from './exchange.ts'
import type { Features } from './features/features.ts'
import type { Tools } from './features/tools.ts'
import { readBatch } from './legacy/batch.ts'
import { dispatchLegacy, notifyLegacy } from './legacy/dispatch.ts'
import { initializeResult, negotiate } from './legacy/negotiation.ts'
import { Peer } from './legacy/peer.ts'
import { PeerSettings } from './legacy/peer-settings.ts'
import type { McpSurfaceOptions } from './mcp-options.ts'
import { errorMessage, internalErrorMessage, resultMessage } from './messages.ts'
import type { Modern } from './modern/dispatch.ts'
import { isRejection } from './modern/request-meta.ts'
import { isModern } from './protocol-versions.ts'
import { WebSocketExchange } from './websocket-exchange.ts'

/** Collaborators of a connection. */
export interface WebSocketClientOptions {
  readonly surface: McpSurfaceOptions
  readonly tools: Tools
  readonly features: Features
  readonly modern: Modern
  readonly rootsWaitMs: number
  /** The largest message that the connection takes, in bytes. */
  readonly messageBytesMax: number
  /** Called once when the connection is gone and everything of it released. */
  readonly onClosed: (client: WebSocketClient) => void
}

/** How a connection is closed once nothing is under way: code and reason. */
type Farewell = readonly [code: number, reason: string]

const drained: Farewell = [1012, drainedReason]
const revoked: Farewell = [1008, 'The key of this connection has been revoked.']

/** The client on one connection. */
export class WebSocketClient {
  #identity: Identity
  readonly #connection: WebSocketConnection
  readonly #options: WebSocketClientOptions
  readonly #inFlight: InFlight = new Map()
  #peer: Peer | null = null
  readonly #identify: (programName?: string) => Identity
  #isBridge = false
  #moment: ClosingMoment | null = null
  #farewell: Farewell | null = null
  /** Nothing more is heard: what still comes is for whoever is dialled next, or of nobody who may call. */
  #isFinished = false
  #isClosed = false

  /** `identify` may throw `CallFailure`; then there is no client. */
  constructor(
    connection: WebSocketConnection,
    identify: (programName?: string) => Identity,
    options: WebSocketClientOptions,
  ) {
    this.#connection = connection
    this.#identify = identify
    this.#identity = identify()
    this.#options = options
    connection.onMessage = (text) => this.#receive(text)
    connection.onClose = () => this.#closed()
  }

  /** Named by the upgrade request, and by `clientInfo` once initialised; under the terms its key has now. */
  get identity(): Identity {
    this.#identity = this.#options.surface.present(this.#identity)
    return this.#identity
  }

  /** It sends again what we have not begun: any moment will do to close. */
  get isBridge(): boolean {
    return this.#isBridge
  }

  /** Tells an initialised client something that may be lost when it is behind. */
  readonly tell = (json: string): void => {
    if (this.#peer !== null && !this.#isFinished) this.#connection.sendDroppable(json)
  }

  /** Closes with 1012 as soon as nothing is under way; `hasSuccessor`: and no call is on its way, as far as can be known. */
  drain(hasSuccessor: boolean): void {
    if (this.#farewell !== null) return
    if (hasSuccessor && !this.#isBridge) {
      this.#moment ??= new ClosingMoment({
        clock: this.#options.surface.clock,
        isBusy: () => this.#inFlight.size > 0,
        probe: (onAnswer) => this.#connection.probe(onAnswer),
        close: () => this.#finish(drained),
      })
      return
    }
    this.#farewell = drained
    this.#closeIfDone()
  }

  /** Its key is revoked: hears nothing more, and closes with 1008 once the calls that were ended for it have been told so. */
  expel(): void {
    this.#isFinished = true
    this.#farewell = revoked
    this.#peer?.close()
    this.#closeIfDone()
  }

  /** Closes now; what is under way loses its client. */
  destroy(): void {
    this.#connection.close(1012, 'The server is stopping.')
    this.#closed()
  }

  #receive(text: string): void {
    if (this.#isFinished) return
    this.#moment?.heard()
    const inbound = parseEnvelope(text)
    if (inbound.kind === 'batch') this.#takeBatch(inbound)
    else this.#take(inbound)
  }

  // Each is answered by a frame of its own, as soon as it is done: nothing on this connection waits for its neighbours.
  #takeBatch(batch: BatchEnvelope): void {
    const messages = readBatch(batch, this.#peer?.version ?? null)
    if (typeof messages === 'string') {
      this.#reject(null, rpcCode.invalidRequest, messages)
      return
    }
    for (const message of messages) this.#take(message)
  }

  #reject(id: RequestId | null, code: number, message: string): void {
    this.#options.surface.emit({ type: 'message-rejected', door: 'websocket', code })
    this.#options.surface.calls.fault(this.identity)
    this.#connection.send(errorMessage(id, code, message))
  }

  // The net under a message: a bug of ours is told and logged, and the connection lives on.
  #take(envelope: Envelope): void {
    try {
      this.#serve(envelope)
    } catch (error) {
      this.#options.surface.emit({ type: 'surface-failed', error })
      if (envelope.kind === 'request') this.#connection.send(internalErrorMessage(envelope.id))
    }
  }

  #serve(envelope: Envelope): void {
    switch (envelope.kind) {
      case 'malformed':
        this.#reject(envelope.id, envelope.code, envelope.message)
        return
      case 'request':
        this.#request(envelope)
        return
      case 'notification':
        notifyLegacy(envelope, this.#inFlight, this.#peer)
        return
      case 'response':
        this.#peer?.settle(envelope)
        return
      default:
        unreachable(envelope)
    }
  }

  #request(request: RequestEnvelope): void {
    const { modern, tools, messageBytesMax } = this.#options
    const exchange = new WebSocketExchange(this.#connection, {
      id: request.id,
      identity: this.identity,
      inFlight: this.#inFlight,
      isAskedAgain: this.#isBridge,
      onOver: this.#closeIfDone,
    })
    if (isModern(request.params, undefined)) {
      const checked = modern.check(request, null)
      if (isRejection(checked)) {
        exchange.finish(errorMessage(request.id, checked.code, checked.message, checked.data))
      } else modern.dispatch(exchange, request, checked)
    } else if (request.method === instanceMethod) {
      this.#isBridge = true
      const { instance } = tools.resends
      exchange.finish(resultMessage(request.id, JSON.stringify({ instance, messageBytesMax })))
    } else if (request.method === 'initialize') this.#initialize(exchange, request)
    else if (this.#peer !== null) dispatchLegacy(exchange, request, this.#peer, this.#options)
    else if (request.method === 'ping') exchange.finish(resultMessage(request.id, '{}'))
    else {
      exchange.finish(
        errorMessage(
          request.id,
          // Neither era's: the code is that of the one that names one.
          rpcCode.invalidParams,
          'Invalid params: send "initialize" first, or a 2026-07-28 request with its "_meta".',
        ),
      )
    }
  }

  #initialize(exchange: WebSocketExchange, request: RequestEnvelope): void {
    const { surface, rootsWaitMs } = this.#options
    if (this.#peer !== null) {
      const why = 'Invalid Request: this connection is initialised already; open another one.'
      exchange.finish(errorMessage(request.id, rpcCode.invalidRequest, why))
      return
    }
    const negotiated = negotiate(request.params)
    if (typeof negotiated === 'string') {
      exchange.finish(errorMessage(request.id, rpcCode.invalidParams, negotiated))
      return
    }
    const identity = this.#identify(negotiated.programName)
    this.#identity = identity
    this.#peer = new Peer({
      ...negotiated,
      clock: surface.clock,
      identity,
      present: surface.present,
      rootsWaitMs,
      inFlight: this.#inFlight,
    })
    this.#peer.settings = new PeerSettings({
      identity,
      watchers: this.#options.features.watchers,
      tell: this.tell,
    })
    this.#peer.outlet = (json) => {
      this.#connection.send(json)
      return true
    }
    const json = initializeResult(negotiated.version, surface.serverInfo, surface.instructions)
    exchange.finish(resultMessage(request.id, json))
  }

  readonly #closeIfDone = (): void => {
    if (this.#inFlight.size > 0) return
    if (this.#farewell !== null) this.#finish(this.#farewell)
    else this.#moment?.rested()
  }

  #finish([code, reason]: Farewell): void {
    this.#isFinished = true
    this.#connection.finish(code, reason)
  }

  #closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#moment?.stop()
    const { isLost, isBroken } = this.#connection
    if (isBroken) this.#options.surface.calls.fault(this.identity)
    if (isLost) {
      const { label } = this.identity
      this.#options.surface.emit({ type: 'reader-lost', door: 'websocket', label })
    }
    for (const work of [...this.#inFlight.values()]) {
      if (isLost && work.outlivesReader === true) work.readerGone?.()
      else work.clientGone()
    }
    this.#peer?.close()
    this.#options.onClosed(this)
  }
}
