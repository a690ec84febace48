// A call's line to its client in the 2025 era: requests of ours, down the stream of the call itself, else down the channel
// beside the calls. The call waits for the answer. Where the stream outlives its connection so does the question: it stands in the
// stream for whoever comes back to it, and may be answered in the session meanwhile.

import { randomBytes } from 'node:crypto'
import type { ClientFeature } from '../../../domain/asking.ts'
import type { TraceContext } from '../../../domain/trace-context.ts'
import { type ClientLine, type LineCall, unreached } from '../asking/client-line.ts'
import { type ClientQuestion, isDeclared } from '../asking/questions.ts'
import type { JsonObject } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import { inTrace } from '../features/trace.ts'
import { notificationMessage } from '../messages.ts'
import type { OpenQuestions } from './open-questions.ts'

// A person may be away: the call holds a place meanwhile, and needs time of its own before its deadline.
const waitMs = 120_000

// Of a `Peer`, what its lines need.
interface AskedPeer {
  readonly capabilities: JsonObject
  readonly outlet: ((json: string) => boolean) | null
  readonly questions: OpenQuestions
  roots(exchange: Exchange, trace?: TraceContext): Promise<readonly string[]>
}

/** The line of one call. */
export class PeerLine implements ClientLine {
  readonly #peer: AskedPeer
  readonly #exchange: Exchange
  readonly #call: LineCall
  /** Ids of pages that the person was asked to open, by key. */
  #pages: Map<string, string> | null = null
  #left: AbortController | null = null
  #isAway = false

  constructor(peer: AskedPeer, exchange: Exchange, call: LineCall) {
    this.#peer = peer
    this.#exchange = exchange
    this.#call = call
  }

  can(feature: ClientFeature): boolean {
    const { canStream } = this.#exchange
    return isDeclared(this.#peer.capabilities, feature) && (canStream || this.#peer.outlet !== null)
  }

  async put({ key, method, params }: ClientQuestion): Promise<unknown> {
    const { signal, trace } = this.#call
    const isPage = params.mode === 'url'
    this.#left ??= new AbortController()
    const answer = await this.#peer.questions.put({
      method,
      params: inTrace(isPage ? { ...params, elicitationId: this.#pageId(key) } : params, trace),
      send: this.#send,
      waitMs,
      signal,
      until: this.#left.signal,
    })
    return answer === null && this.#isAway ? unreached : answer
  }

  left(): void {
    this.#isAway = true
    if (this.#exchange.outlivesConnection === true) return
    this.#left ??= new AbortController()
    this.#left.abort()
  }

  back(): void {
    this.#isAway = false
  }

  // Over HTTP the session's questions end with a drain; a connection's end with it.
  noneComesBack(): void {}

  roots(): Promise<readonly string[]> {
    return this.#peer.roots(this.#exchange, this.#call.trace)
  }

  elicited(key: string): void {
    const elicitationId = this.#pages?.get(key)
    if (elicitationId !== undefined) {
      this.#send(notificationMessage('notifications/elicitation/complete', { elicitationId }))
    }
  }

  instead(): null {
    return null
  }

  #pageId(key: string): string {
    this.#pages ??= new Map()
    const id = this.#pages.get(key) ?? randomBytes(16).toString('base64url')
    this.#pages.set(key, id)
    return id
  }

  readonly #send = (json: string): boolean => {
    const { canStream, outlivesConnection } = this.#exchange
    if (!canStream || (this.#isAway && outlivesConnection !== true)) return this.#peer.outlet?.(json) === true
    this.#exchange.send(json)
    return true
  }
}
