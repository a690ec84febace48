// One client of the 2025 era, behind an HTTP session or a WebSocket: what it said of itself, what it has under way, and
// the requests we have put to it. Nothing here outlives the session or connection that owns it.

import { fileURLToPath } from 'node:url'
import type { Identity } from '../../../domain/identity.ts'
import type { Clock, Timer } from '../../../lib/clock.ts'
import { isObject, type JsonObject, type RequestId, type ResponseEnvelope } from '../envelope.ts'
import type { Exchange, InFlight } from '../exchange.ts'
import type { ToolCaller } from '../features/tools.ts'

/** What a peer is made of. `rootsWaitMs`: how long it may take to answer a request of ours. */
export interface PeerOptions {
  readonly clock: Clock
  readonly identity: Identity
  readonly version: string
  readonly capabilities: JsonObject
  readonly rootsWaitMs: number
  /** The table of what it has under way, shared with whoever else serves the same connection. */
  readonly inFlight: InFlight
}

const rootsMax = 64
const rootCharsMax = 4_096
// A client that did not answer is not asked again for a while, or every call would wait for it.
const silentRootsMs = 60_000

/** The state of one initialised client. */
export class Peer implements ToolCaller {
  readonly identity: Identity
  readonly version: string
  readonly capabilities: JsonObject
  readonly inFlight: InFlight
  /** Sends on the channel that is open beside the calls: the GET stream or the WebSocket; false when there is none. */
  outlet: ((json: string) => boolean) | null = null
  readonly #clock: Clock
  readonly #rootsWaitMs: number
  readonly #asked = new Map<RequestId, { settle: (result: unknown) => void; timer: Timer }>()
  #askedCount = 0
  #roots: Promise<readonly string[]> | null = null
  #rootsExpireAt = Number.POSITIVE_INFINITY

  constructor(options: PeerOptions) {
    this.identity = options.identity
    this.version = options.version
    this.capabilities = options.capabilities
    this.inFlight = options.inFlight
    this.#clock = options.clock
    this.#rootsWaitMs = options.rootsWaitMs
  }

  /** The client's folders as absolute paths, asked once and kept until it says they changed; empty if it does not say. */
  readonly roots = (exchange: Exchange): Promise<readonly string[]> =>
    this.#rootsBy((json) => {
      if (exchange.canStream) exchange.send(json)
      return exchange.canStream
    })

  /** Asks for the folders before a tool needs them, where a channel is open: a busy client takes its time to answer. */
  askRootsAhead(): void {
    if (this.outlet !== null) void this.#rootsBy(() => false)
  }

  #rootsBy(fallback: (json: string) => boolean): Promise<readonly string[]> {
    if (!isObject(this.capabilities.roots)) return Promise.resolve([])
    if (this.#roots === null || this.#clock.now() >= this.#rootsExpireAt) {
      this.#rootsExpireAt = Number.POSITIVE_INFINITY
      const asked = this.#ask('roots/list', fallback).then((result) => {
        // Only the newest question may shorten the life of the answer that is kept.
        if (result === null && this.#roots === asked) this.#rootsExpireAt = this.#clock.now() + silentRootsMs
        return toPaths(result)
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

  /** Takes the client's answer to a request of ours; an unknown id is ignored, it may have come too late. */
  settle(response: ResponseEnvelope): void {
    const asked = this.#asked.get(response.id)
    if (asked === undefined) return
    this.#asked.delete(response.id)
    asked.timer.cancel()
    asked.settle(response.result)
  }

  /** Releases everything: waiting questions end without answer, calls lose their client. */
  close(): void {
    this.outlet = null
    for (const asked of this.#asked.values()) {
      asked.timer.cancel()
      asked.settle(null)
    }
    this.#asked.clear()
  }

  // The channel beside the calls is preferred; else the question goes down the stream of the call that asks.
  #ask(method: string, fallback: (json: string) => boolean): Promise<unknown> {
    this.#askedCount += 1
    const id = `exai-${this.#askedCount}`
    const json = JSON.stringify({ jsonrpc: '2.0', id, method })
    return new Promise((resolve) => {
      const timer = this.#clock.after(this.#rootsWaitMs, () => {
        this.#asked.delete(id)
        resolve(null)
      })
      this.#asked.set(id, { settle: resolve, timer })
      if (this.outlet?.(json) === true || fallback(json)) return
      this.settle({ kind: 'response', id, result: null })
    })
  }
}

function toPaths(result: unknown): readonly string[] {
  const roots = isObject(result) && Array.isArray(result.roots) ? result.roots : []
  const paths: string[] = []
  for (const root of roots.slice(0, rootsMax)) {
    const path = isObject(root) && typeof root.uri === 'string' ? toPath(root.uri) : null
    if (path !== null) paths.push(path)
  }
  return paths
}

function toPath(uri: string): string | null {
  if (!uri.startsWith('file://') || uri.length > rootCharsMax) return null
  try {
    return fileURLToPath(uri)
  } catch {
    // A root that is no path of this machine (another host, bad escapes) simply opens nothing.
    return null
  }
}
