// The MCP endpoint over HTTP: method, content type and body first, then one message, its era known once, then that
// era's own code; a list of messages is the older era's.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { CallFailure } from '../../domain/failure.ts'
import { messageWorkBytes } from '../../streams/write-batch.ts'
import { type BodyOptions, readBody } from '../../transport/body.ts'
import { refuse } from '../../transport/refuse.ts'
import { type Inbound, isObject, parseEnvelope, type RequestEnvelope, rpcCode } from './envelope.ts'
import { answerFailed } from './failed-request.ts'
import { HttpExchange, respondJson } from './http-exchange.ts'
import { noBatches } from './legacy/batch.ts'
import type { LegacyHttp } from './legacy/http.ts'
import type { McpSurfaceOptions } from './mcp-options.ts'
import { errorMessage } from './messages.ts'
import type { Modern } from './modern/dispatch.ts'
import { isRejection } from './modern/request-meta.ts'
import { isModern, metaKey, modernVersion } from './protocol-versions.ts'

/** Collaborators of the endpoint. */
export interface HttpDoorOptions {
  readonly surface: McpSurfaceOptions
  readonly legacy: LegacyHttp
  readonly modern: Modern
  readonly bodyBytesMax: number
}

/** Serves the endpoint. */
export class HttpDoor {
  readonly #options: HttpDoorOptions
  readonly #body: BodyOptions

  constructor(options: HttpDoorOptions) {
    this.#options = options
    this.#body = {
      clock: options.surface.clock,
      bodyBytesMax: options.bodyBytesMax,
      partialBody: options.surface.partialBody,
      onWhole: (bytes) => options.surface.flow.batch.working(messageWorkBytes + bytes),
      onTooLarge: (request) => this.#fault(request),
    }
  }

  /** One request, whatever it is. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    switch (request.method) {
      case 'POST':
        if (isJson(request.headers['content-type'])) {
          readBody(request, response, this.#body, (text) => this.#post(request, response, text))
        } else refuse(response, 415, 'Send one JSON-RPC message with "Content-Type: application/json".')
        return
      case 'GET':
      case 'DELETE':
        this.#session(request, response)
        return
      default:
        refuse(response, 405, 'The MCP endpoint takes POST, GET and DELETE.', { allow: 'POST, GET, DELETE' })
    }
  }

  #post(request: IncomingMessage, response: ServerResponse, text: string): void {
    const envelope = parseEnvelope(text)
    try {
      this.#dispatch(request, response, envelope)
    } catch (error) {
      this.#failed(response, envelope, error)
    }
  }

  #dispatch(request: IncomingMessage, response: ServerResponse, envelope: Inbound): void {
    if (envelope.kind === 'malformed') {
      this.#reject(request, response, envelope)
      return
    }
    const header = request.headers['mcp-protocol-version']
    if (envelope.kind === 'batch') {
      if (header !== modernVersion) {
        this.#options.legacy.postBatch(request, response, envelope, this.#options.surface.factsOf(request))
        return
      }
      const message = noBatches(modernVersion)
      this.#reject(request, response, { id: null, code: rpcCode.invalidRequest, message })
      return
    }
    const isStateless =
      envelope.kind === 'response'
        ? header === modernVersion
        : isModern(envelope.params, typeof header === 'string' ? header : undefined)
    if (!isStateless) {
      this.#options.legacy.post(request, response, envelope, this.#options.surface.factsOf(request))
    } else if (envelope.kind === 'request') this.#postModern(request, response, envelope)
    else if (envelope.kind === 'notification') {
      // This revision defines no notification from client to server over HTTP: taken and dropped.
      response.writeHead(202, { 'content-length': 0 })
      response.end()
    } else {
      const why = 'Invalid Request: in 2026-07-28 a client sends requests, never responses.'
      respondJson(response, 400, errorMessage(null, rpcCode.invalidRequest, why))
    }
  }

  // What is no message names nobody, so the headers have to; who cannot be told from others has no conduct of its own.
  #fault(request: IncomingMessage): void {
    const { surface } = this.#options
    try {
      surface.calls.fault(surface.identify(surface.factsOf(request)))
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error
    }
  }

  #reject(
    request: IncomingMessage,
    response: ServerResponse,
    { id, code, message }: Omit<Extract<Inbound, { kind: 'malformed' }>, 'kind'>,
  ): void {
    this.#options.surface.emit({ type: 'message-rejected', door: 'http', code })
    this.#fault(request)
    respondJson(response, 400, errorMessage(id, code, message))
  }

  #postModern(request: IncomingMessage, response: ServerResponse, envelope: RequestEnvelope): void {
    const { modern, surface } = this.#options
    const checked = modern.check(envelope, request.headers)
    if (isRejection(checked)) {
      const { status, code, message, data } = checked
      surface.emit({ type: 'message-rejected', door: 'http', code })
      respondJson(response, status, errorMessage(envelope.id, code, message, data))
      return
    }
    const identity = surface.identify({ ...surface.factsOf(request), programName: programNameOf(envelope) })
    const exchange = new HttpExchange(request, response, {
      id: envelope.id,
      identity,
      inFlight: null,
      surface,
    })
    modern.dispatch(exchange, envelope, checked)
  }

  // GET opens a session's stream and DELETE ends the session: both are the 2025 era's alone.
  #session(request: IncomingMessage, response: ServerResponse): void {
    if (request.headers['mcp-protocol-version'] === modernVersion) {
      const why = 'In 2026-07-28 there are no sessions and no GET stream: use POST.'
      refuse(response, 405, why, { allow: 'POST' })
      return
    }
    try {
      const facts = this.#options.surface.factsOf(request)
      if (request.method === 'GET') this.#options.legacy.get(request, response, facts)
      else this.#options.legacy.delete(request, response, facts)
    } catch (error) {
      this.#failed(response, null, error)
    }
  }

  #failed(response: ServerResponse, envelope: Inbound | null, error: unknown): void {
    const id = envelope !== null && 'id' in envelope ? envelope.id : null
    answerFailed(response, id, error, this.#options.surface.emit)
  }
}

function isJson(type: string | undefined): boolean {
  return type === 'application/json' || /^application\/json\s*(;|$)/i.test(type ?? '')
}

function programNameOf(envelope: RequestEnvelope): string | undefined {
  const meta = envelope.params._meta
  const info = isObject(meta) ? meta[metaKey.clientInfo] : undefined
  return isObject(info) && typeof info.name === 'string' ? info.name : undefined
}
