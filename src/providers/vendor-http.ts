// One connection pool per provider, so that one vendor's stall cannot take another's sockets. HTTP/1.1 without pipelining:
// a stream owns its socket, and destroying the socket is the one way of cancelling that every vendor understands. The sockets are not
// counted: each serves a slot that was granted (see admission), and a bound here would be a second line that knows no windows.

import { Readable } from 'node:stream'
import type { Agent } from 'undici'
import { CallFailure } from '../domain/failure.ts'
import { hopHeader, ownHop } from '../lib/hop.ts'
import { readBounded } from '../streams/read-bounded.ts'
import { askVendor } from './ask-vendor.ts'
import { findError, readErrorBody } from './dialect/wire-error.ts'
import { readLimitHeaders } from './limit-headers.ts'
import type { Operation } from './operation.ts'
import { parseRetryAfter } from './retry-after.ts'
import { toVendorFailure, type Vendor } from './vendor-failure.ts'

const connectTimeoutMs = 5000
const keepAliveTimeoutMs = 10_000
const errorBytesMax = 64 * 1024

/** A request under the base URL; `path` begins with a slash. A body that is not text names its own type and length. */
export interface VendorRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly json?: unknown
  readonly body?: {
    readonly contentType: string
    readonly byteLength: number
    readonly chunks: Iterable<Uint8Array>
  }
  readonly accept?: string
}

/** A reply whose status is 2xx. The body must be read to its end or the operation's signal aborted. */
interface VendorReply {
  readonly status: number
  readonly contentType: string
  readonly body: Readable
}

/** HTTP towards one vendor. */
export class VendorHttp {
  readonly #vendor: Vendor
  readonly #origin: string
  readonly #prefix: string
  readonly #wallMs: () => number
  #agent: Promise<Agent> | null = null

  constructor(vendor: Vendor, options: { baseUrl: string; wallMs: () => number }) {
    const url = new URL(options.baseUrl)
    this.#vendor = vendor
    this.#origin = url.origin
    this.#prefix = url.pathname.replace(/\/+$/, '')
    this.#wallMs = options.wallMs
  }

  /** Sends and waits for the headers. Throws `CallFailure` for any status but 2xx. */
  async send(request: VendorRequest, operation: Pick<Operation, 'attempt' | 'signal'>): Promise<VendorReply> {
    const headers: Record<string, string> = {
      accept: request.accept ?? 'application/json',
      'user-agent': 'exai-mcp-server',
      [hopHeader]: ownHop,
    }
    const { attempt } = operation
    const { apiKey } = attempt
    if (apiKey !== null) headers.authorization = `Bearer ${apiKey}`
    let body: string | Readable | null = null
    if (request.json !== undefined) {
      headers['content-type'] = 'application/json'
      body = JSON.stringify(request.json)
    } else if (request.body !== undefined) {
      headers['content-type'] = request.body.contentType
      headers['content-length'] = String(request.body.byteLength)
      body = Readable.from(request.body.chunks, { objectMode: false })
    }
    const agent = await this.#pool()
    const path = this.#prefix + request.path
    const { method } = request
    const { signal } = operation
    const reply = await askVendor(agent, { origin: this.#origin, path, method, headers, body, signal }, () =>
      attempt.onRequest?.(),
    )
    const limits = readLimitHeaders(reply.headers, this.#wallMs())
    if (limits !== null) attempt.onLimits?.(limits)
    if (reply.statusCode >= 200 && reply.statusCode < 300)
      return {
        status: reply.statusCode,
        contentType: headerText(reply.headers['content-type']),
        body: reply.body,
      }
    const { text } = await readBounded(reply.body, errorBytesMax)
    const retryAfterMs = parseRetryAfter(
      headerText(reply.headers['retry-after']) || undefined,
      this.#wallMs(),
    )
    const error = readErrorBody(text, reply.statusCode, retryAfterMs)
    const concurrency = this.#vendor.concurrencyTold?.(error) ?? null
    if (concurrency !== null) attempt.onLimits?.({ requests: null, tokens: null, concurrency })
    throw toVendorFailure(this.#vendor, error, apiKey)
  }

  /** Sends and reads the whole reply as text, at most `bytesMax`; larger is `malformed-output`. */
  async text(
    request: VendorRequest,
    operation: Pick<Operation, 'attempt' | 'signal'>,
    bytesMax: number,
  ): Promise<string> {
    const reply = await this.send(request, operation)
    const { text, isCut } = await readBounded(reply.body, bytesMax)
    if (!isCut) return text
    throw new CallFailure('malformed-output', {
      message: `The provider ${this.#vendor.name} answered with more than ${Math.round(bytesMax / 1024)} KiB at once. Ask for less.`,
    })
  }

  /** Sends and parses a JSON reply; an error object inside a 200 is a failure like any other. */
  async json(
    request: VendorRequest,
    operation: Pick<Operation, 'attempt' | 'signal'>,
    bytesMax: number,
  ): Promise<unknown> {
    const json = this.parse(await this.text(request, operation, bytesMax))
    const error = findError(json, 200)
    if (error) throw toVendorFailure(this.#vendor, error, operation.attempt.apiKey)
    return json
  }

  /** Parses what ought to be JSON; else `malformed-output`, worth another try. */
  parse(text: string): unknown {
    try {
      return JSON.parse(text)
    } catch (error) {
      throw new CallFailure('malformed-output', {
        message: `The provider ${this.#vendor.name} answered with something that is not JSON. Check its base URL; if that is right, try again.`,
        retryable: true,
        cause: error,
      })
    }
  }

  /** Closes every connection now. */
  async destroy(): Promise<void> {
    const agent = await this.#agent
    await agent?.destroy()
  }

  // With the first request: the library is a sixth of an idle server's memory, and most vendors of a config are never asked.
  #pool(): Promise<Agent> {
    this.#agent ??= import('undici').then(
      ({ Agent }) =>
        // Our own timers decide how long to wait (see patience.ts): thinking models are silent for minutes.
        new Agent({
          pipelining: 1,
          allowH2: false,
          headersTimeout: 0,
          bodyTimeout: 0,
          keepAliveTimeout: keepAliveTimeoutMs,
          connect: { timeout: connectTimeoutMs },
        }),
    )
    return this.#agent
  }
}

function headerText(value: string | string[] | undefined): string {
  return Array.isArray(value) ? (value[0] ?? '') : (value ?? '')
}
