// MCP as one surface: HTTP requests and WebSocket connections in, each message parsed once, its era known once, and the
// rest handed to that era. Holds what is live, so that drain, destroy and inspect tell the truth.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { CallFailure } from '../../domain/failure.ts'
import type { CallerFacts } from '../../principals/identify.ts'
import type { Tool } from '../../tools/tool.ts'
import { readBody } from '../../transport/body.ts'
import { readCallerFacts } from '../../transport/caller-facts.ts'
import { refuse } from '../../transport/refuse.ts'
import type { WebSocketConnection } from '../../transport/websocket.ts'
import { isObject, parseEnvelope, type RequestEnvelope, rpcCode } from './envelope.ts'
import { Tools } from './features/tools.ts'
import { HttpExchange, respondJson } from './http-exchange.ts'
import { inspectSurface } from './inspection.ts'
import { LegacyHttp } from './legacy/http.ts'
import { Sessions } from './legacy/sessions.ts'
import { LiveCalls } from './live-calls.ts'
import type { McpInspection, McpSurfaceOptions } from './mcp-options.ts'
import { errorMessage, notificationMessage } from './messages.ts'
import { Modern } from './modern/dispatch.ts'
import { isRejection } from './modern/request-meta.ts'
import { Subscriptions } from './modern/subscriptions.ts'
import { isModern, metaKey, modernVersion } from './protocol-versions.ts'
import { WebSocketClient } from './websocket-client.ts'

/** The MCP surface. */
export interface McpSurface {
  /** Serves one request to the MCP endpoint. */
  handleHttp(request: IncomingMessage, response: ServerResponse): void
  /** Takes over an accepted WebSocket; `facts` are those of its upgrade request. */
  acceptWebSocket(connection: WebSocketConnection, facts: CallerFacts): void
  /** Exchanges the set of tools and tells every client that asked to know. */
  replaceTools(tools: readonly Tool[]): void
  /** Ends streams and subscriptions, lets running calls finish; resolves when none is left. */
  drain(): Promise<void>
  /** Ends everything now. */
  destroy(): void
  inspect(): McpInspection
}

const defaults = {
  bodyBytesMax: 4_194_304,
  sessionsMax: 1_000,
  sessionIdleMs: 1_800_000,
  sessionYieldMs: 60_000,
  subscriptionsMax: 2_000,
  rootsWaitMs: 2_000,
}

/** Creates the surface. It owns no port: `server.ts` routes to it. */
export function createMcpSurface(options: McpSurfaceOptions): McpSurface {
  const limits = { ...defaults, ...options.limits }
  const { clock, emit } = options
  const live = new LiveCalls()
  const tools = new Tools(options, live)
  const sessions = new Sessions(
    clock,
    { ...limits, sessionsPerPrincipalMax: limits.sessionsPerPrincipalMax ?? limits.sessionsMax },
    emit,
  )
  const subscriptions = new Subscriptions(limits.subscriptionsMax, emit)
  const modern = new Modern({ ...options, tools, subscriptions })
  const legacy = new LegacyHttp({ surface: options, sessions, tools, rootsWaitMs: limits.rootsWaitMs })
  const clients = new Set<WebSocketClient>()
  const bodyOptions = { clock, bodyBytesMax: limits.bodyBytesMax }

  const postText = (request: IncomingMessage, response: ServerResponse, text: string): void => {
    const envelope = parseEnvelope(text)
    if (envelope.kind === 'malformed') {
      emit({ type: 'message-rejected', door: 'http', code: envelope.code })
      respondJson(response, 400, errorMessage(envelope.id, envelope.code, envelope.message))
      return
    }
    const header = request.headers['mcp-protocol-version']
    const version = typeof header === 'string' ? header : undefined
    const facts = readCallerFacts(request)
    const params = envelope.kind === 'response' ? null : envelope.params
    if (params === null ? version !== modernVersion : !isModern(params, version)) {
      legacy.post(request, response, envelope, facts)
    } else if (envelope.kind === 'request') postModern(request, response, envelope, facts)
    else if (envelope.kind === 'notification') {
      // This revision defines no notification from client to server over HTTP: taken and dropped.
      response.writeHead(202, { 'content-length': 0 })
      response.end()
    } else {
      const why = 'Invalid Request: in 2026-07-28 a client sends requests, never responses.'
      respondJson(response, 400, errorMessage(null, rpcCode.invalidRequest, why))
    }
  }

  const postModern = (
    request: IncomingMessage,
    response: ServerResponse,
    envelope: RequestEnvelope,
    facts: CallerFacts,
  ): void => {
    const checked = modern.check(envelope, request.headers)
    if (isRejection(checked)) {
      emit({ type: 'message-rejected', door: 'http', code: checked.code })
      respondJson(
        response,
        checked.status,
        errorMessage(envelope.id, checked.code, checked.message, checked.data),
      )
      return
    }
    const identity = options.identify({ ...facts, programName: programNameOf(envelope) })
    const exchange = new HttpExchange(request, response, { id: envelope.id, identity, inFlight: null, clock })
    modern.dispatch(exchange, envelope, checked)
  }

  // The one net under a request: a caller's bad claim is told, a bug of ours is logged and harms nobody else.
  const guarded = (response: ServerResponse, work: () => void): void => {
    try {
      work()
    } catch (error) {
      if (error instanceof CallFailure) {
        respondJson(response, 400, errorMessage(null, rpcCode.invalidRequest, error.message))
        return
      }
      emit({ type: 'surface-failed', error })
      const why = 'Internal error: this is a fault of the server, not of the request. Its log says more.'
      respondJson(response, 500, errorMessage(null, rpcCode.internalError, why))
    }
  }

  const closeSessions = (): void => {
    for (const session of [...sessions]) sessions.close(session, 'drained')
  }

  return {
    handleHttp(request, response) {
      switch (request.method) {
        case 'POST':
          if (!isJson(request)) {
            refuse(response, 415, 'Send one JSON-RPC message with "Content-Type: application/json".')
            return
          }
          readBody(request, response, bodyOptions, (text) =>
            guarded(response, () => postText(request, response, text)),
          )
          return
        case 'GET':
        case 'DELETE':
          if (request.headers['mcp-protocol-version'] === modernVersion) {
            refuse(response, 405, 'In 2026-07-28 there are no sessions and no GET stream: use POST.', {
              allow: 'POST',
            })
            return
          }
          guarded(response, () => {
            const facts = readCallerFacts(request)
            if (request.method === 'GET') legacy.get(request, response, facts)
            else legacy.delete(request, response, facts)
          })
          return
        default:
          refuse(response, 405, 'The MCP endpoint takes POST, GET and DELETE.', {
            allow: 'POST, GET, DELETE',
          })
      }
    },
    acceptWebSocket(connection, facts) {
      const identify = (programName?: string) =>
        options.identify({ ...facts, connectionId: connection.id, programName })
      try {
        const client = new WebSocketClient(connection, identify, {
          surface: options,
          tools,
          modern,
          rootsWaitMs: limits.rootsWaitMs,
          onClosed: (closed) => {
            clients.delete(closed)
            emit({ type: 'connection-closed', label: closed.identity.label })
          },
        })
        clients.add(client)
        emit({ type: 'connection-opened', label: client.identity.label })
      } catch (error) {
        if (!(error instanceof CallFailure)) throw error
        connection.close(1008, closeReason(error.message))
      }
    },
    replaceTools(next) {
      tools.replace(next)
      subscriptions.toolsChanged()
      const changed = notificationMessage('notifications/tools/list_changed')
      for (const session of sessions) session.stream?.sendDroppable(changed)
      for (const client of clients) client.toolsChanged()
    },
    async drain() {
      subscriptions.drain()
      for (const session of sessions) session.stream?.end()
      for (const client of clients) client.drain()
      await live.idle()
      closeSessions()
    },
    destroy() {
      subscriptions.drain()
      for (const client of [...clients]) client.destroy()
      closeSessions()
      for (const call of live) call.clientGone()
    },
    inspect: () => inspectSurface({ sessions, subscriptions, clients, live }),
  }
}

function isJson(request: IncomingMessage): boolean {
  const type = request.headers['content-type']
  return type === 'application/json' || /^application\/json\s*(;|$)/i.test(type ?? '')
}

function programNameOf(envelope: RequestEnvelope): string | undefined {
  const meta = envelope.params._meta
  const info = isObject(meta) ? meta[metaKey.clientInfo] : undefined
  return isObject(info) && typeof info.name === 'string' ? info.name : undefined
}

// A close frame holds at most 123 bytes of reason.
function closeReason(message: string): string {
  return Buffer.from(message).subarray(0, 120).toString('utf8').replace(/�+$/, '')
}
