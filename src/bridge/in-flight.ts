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
  /** How many times it has waited for a connection; absent: never. */
  readonly waits?: number
  /** When it was sent first, by the wall in milliseconds. */
  readonly sentAtMs: number
}

interface Entry {
  readonly request: SentRequest
  /** Of the text that is kept, as UTF-8. */
  readonly bytes: number
}

// What a client sets is remembered from these texts: a short one always finds room, and there are `countMax` of them at most.
const shortBytes = 1_024

/** The requests in flight, oldest first; bounded in number and in bytes of UTF-8. */
export class RequestsInFlight {
  readonly #countMax: number
  readonly #bytesMax: number
  readonly #requests: Map<string, Entry> = new Map()
  #bytes = 0

  constructor(limits: { readonly countMax: number; readonly bytesMax: number }) {
    this.#countMax = limits.countMax
    this.#bytesMax = limits.bytesMax
  }

  get isFull(): boolean {
    return this.#requests.size >= this.#countMax
  }

  /** Takes a request in. */
  add(request: SentRequest & { readonly text: string }): void {
    const bytes = Buffer.byteLength(request.text)
    const hasRoom = bytes <= shortBytes || this.#bytes + bytes <= this.#bytesMax
    const isKept = hasRoom && (request.method === listenMethod || repeatOf(request.method) !== 'never')
    this.take(request.id)
    if (isKept) this.#bytes += bytes
    const entry = isKept ? { request, bytes } : { request: { ...request, text: null }, bytes: 0 }
    this.#requests.set(idKey(request.id), entry)
  }

  /** Takes a request out: it is answered, cancelled, or its connection is gone. */
  take(id: RpcId): SentRequest | null {
    const entry = this.#requests.get(idKey(id))
    if (entry === undefined) return null
    this.#requests.delete(idKey(id))
    this.#bytes -= entry.bytes
    return entry.request
  }

  /** Everything in flight, oldest first. */
  all(): readonly SentRequest[] {
    return [...this.#requests.values()].map(({ request }) => request)
  }

  /** Forgets everything. */
  clear(): void {
    this.#requests.clear()
    this.#bytes = 0
  }
}

/** A stream that only listens: it is taken up again, however long that takes. */
export const listenMethod = 'subscriptions/listen'
