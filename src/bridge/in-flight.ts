// The requests that were sent and not answered. Their texts are kept, so that they can be sent again, up to a bound in all:
// what comes above it is sent all the same and can only fail when the connection breaks.

import { idKey, type RpcId } from './passing-message.ts'
import { repeatOf } from './repeat.ts'

/** A request that was sent and not answered. */
export interface SentRequest {
  readonly id: RpcId
  readonly method: string
  /** As it is to be sent; null where there was no room to keep it. */
  readonly text: string | null
  /** How many times it has been sent. */
  readonly sendings: number
}

/** The requests in flight, oldest first; bounded in number and in bytes (counted as characters). */
export class RequestsInFlight {
  readonly #countMax: number
  readonly #charsMax: number
  readonly #requests: Map<string, SentRequest> = new Map()
  #chars = 0

  constructor(limits: { readonly countMax: number; readonly charsMax: number }) {
    this.#countMax = limits.countMax
    this.#charsMax = limits.charsMax
  }

  get isFull(): boolean {
    return this.#requests.size >= this.#countMax
  }

  /** Takes a request in. */
  add(request: SentRequest & { readonly text: string }): void {
    const hasRoom = this.#chars + request.text.length <= this.#charsMax
    const isKept = hasRoom && (request.method === listenMethod || repeatOf(request.method) !== 'never')
    if (isKept) this.#chars += request.text.length
    this.#requests.set(idKey(request.id), isKept ? request : { ...request, text: null })
  }

  /** Takes a request out: it is answered, cancelled, or its connection is gone. */
  take(id: RpcId): SentRequest | null {
    const request = this.#requests.get(idKey(id))
    if (request === undefined) return null
    this.#requests.delete(idKey(id))
    this.#chars -= request.text?.length ?? 0
    return request
  }

  /** Everything in flight, oldest first. */
  all(): readonly SentRequest[] {
    return [...this.#requests.values()]
  }

  /** Forgets everything. */
  clear(): void {
    this.#requests.clear()
    this.#chars = 0
  }
}

/** A stream that only listens: it is taken up again, however long that takes. */
export const listenMethod = 'subscriptions/listen'
