// One client of the 2025 era, behind an HTTP session or a WebSocket: what it said of itself, what it has under way, and
// the requests we have put to it. Nothing here outlives the session or connection that owns it.

import type { Identity } from '../../../domain/identity.ts'
import type { MessageLevel } from '../../../domain/message-level.ts'
import type { TraceContext } from '../../../domain/trace-context.ts'
import type { Clock } from '../../../lib/clock.ts'
import { type ClientLine, type LineCall, unreached } from '../asking/client-line.ts'
import { toFolders } from '../asking/questions.ts'
import { isObject, type JsonObject, type NotificationEnvelope, type ResponseEnvelope } from '../envelope.ts'
import type { Exchange, InFlight } from '../exchange.ts'
import type { ToolCaller } from '../features/tools.ts'
import { inTrace } from '../features/trace.ts'
import { OpenQuestions } from './open-questions.ts'
import { PeerLine } from './peer-line.ts'
import type { PeerSettings } from './peer-settings.ts'

/** What a peer is made of. `rootsWaitMs`: how long it may take to answer a request of ours. */
export interface PeerOptions {
  readonly clock: Clock
  readonly identity: Identity
  /** As the surface has it. */
  readonly present: (identity: Identity) => Identity
  readonly version: string
  readonly capabilities: JsonObject
  readonly rootsWaitMs: number
  /** The table of what it has under way, shared with whoever else serves the same connection. */
  readonly inFlight: InFlight
}

// A client that did not answer is not asked again for a while, or every call would wait for it.
const silentRootsMs = 60_000

/** The state of one initialised client. */
export class Peer implements ToolCaller {
  readonly version: string
  readonly capabilities: JsonObject
  readonly inFlight: InFlight
  /** Sends on the channel that is open beside the calls: the GET stream or the WebSocket; false when there is none. */
  outlet: ((json: string) => boolean) | null = null
  /** What it set for itself; null where it cannot. */
  settings: PeerSettings | null = null
  /** Takes what is about nothing here. null: nobody else would know more. */
  onStray: ((message: NotificationEnvelope | ResponseEnvelope) => void) | null = null
  /** What it was asked and has not answered. */
  readonly questions: OpenQuestions
  #identity: Identity
  readonly #present: PeerOptions['present']
  readonly #clock: Clock
  readonly #rootsWaitMs: number
  #roots: Promise<readonly string[]> | null = null
  #rootsExpireAt = Number.POSITIVE_INFINITY

  constructor(options: PeerOptions) {
    this.#identity = options.identity
    this.#present = options.present
    this.version = options.version
    this.capabilities = options.capabilities
    this.inFlight = options.inFlight
    this.questions = new OpenQuestions(options.clock)
    this.#clock = options.clock
    this.#rootsWaitMs = options.rootsWaitMs
  }

  /** Whose it is now: its key's terms may change while it lives. Whoever begins something takes it once. */
  get identity(): Identity {
    this.#identity = this.#present(this.#identity)
    return this.#identity
  }

  get logLevel(): MessageLevel | null {
    return this.settings?.logLevel ?? null
  }

  /** The line of one of its calls. */
  line(exchange: Exchange, call: LineCall): ClientLine {
    return new PeerLine(this, exchange, call)
  }

  /**
   * The client's folders as absolute paths, asked once and kept until it says they changed; empty if it does not say. `trace`: of the
   * call that wants to know, where it is the one that asks.
   */
  roots(exchange: Exchange, trace?: TraceContext): Promise<readonly string[]> {
    const send = (json: string): boolean => {
      if (exchange.canStream) exchange.send(json)
      return exchange.canStream
    }
    return this.#rootsBy(send, trace)
  }

  /** Asks for the folders before a tool needs them, where a channel is open: a busy client takes its time to answer. */
  askRootsAhead(): void {
    if (this.outlet !== null) void this.#rootsBy(() => false)
  }

  #rootsBy(fallback: (json: string) => boolean, trace?: TraceContext): Promise<readonly string[]> {
    if (!isObject(this.capabilities.roots)) return Promise.resolve([])
    if (this.#roots === null || this.#clock.now() >= this.#rootsExpireAt) {
      this.#rootsExpireAt = Number.POSITIVE_INFINITY
      // The channel beside the calls is preferred; else the question goes down the stream of the call that asks.
      const send = (json: string): boolean => this.outlet?.(json) === true || fallback(json)
      const params = trace === undefined ? {} : { params: inTrace({}, trace) }
      const question = { method: 'roots/list', ...params, send, waitMs: this.#rootsWaitMs }
      const asked = this.questions.put(question).then((result) => {
        // Only the newest question may shorten the life of the answer that is kept.
        const isSilent = result === null || result === unreached
        if (isSilent && this.#roots === asked) this.#rootsExpireAt = this.#clock.now() + silentRootsMs
        return toFolders(result)
      })
      this.#roots = asked
    }
    return this.#roots
  }

  /** The client's folders changed: they are asked again. */
  forgetRoots(): void {
    this.#roots = null
    this.askRootsAhead()
  }

  /** Takes the client's answer to a request of ours. */
  settle(response: ResponseEnvelope): void {
    if (!this.questions.settle(response.id, response.result)) this.onStray?.(response)
  }

  /** Releases everything: waiting questions end without answer, calls lose their client. */
  close(): void {
    this.outlet = null
    this.settings?.close()
    this.questions.close()
  }
}
