// MCP as one surface: HTTP requests and WebSocket connections in, each message parsed once, its era known once, and the
// rest handed to that era. Holds what is live, so that drain, destroy and inspect tell the truth.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { CallFailure } from '../../domain/failure.ts'
import type { Identity } from '../../domain/identity.ts'
import type { CallerFacts } from '../../principals/identify.ts'
import type { Prompt } from '../../prompts/prompt.ts'
import type { ResourceChange } from '../../resources/resource.ts'
import type { Tool } from '../../tools/tool.ts'
import type { WebSocketConnection } from '../../transport/websocket-face.ts'
import { createFeatures } from './features/features.ts'
import { ListChanges } from './features/list-changes.ts'
import { Reporting } from './features/reporting.ts'
import { Tools } from './features/tools.ts'
import { HttpDoor } from './http-door.ts'
import { inspectSurface } from './inspection.ts'
import { EventStore } from './legacy/event-store.ts'
import { LegacyHttp } from './legacy/http.ts'
import { SessionKeeper } from './legacy/session-keeper.ts'
import { Sessions } from './legacy/sessions.ts'
import { takeStray } from './legacy/strays.ts'
import { LiveCalls } from './live-calls.ts'
import type { McpInspection, McpSurfaceOptions, StrayMessage } from './mcp-options.ts'
import { notificationMessage } from './messages.ts'
import { Modern } from './modern/dispatch.ts'
import { type ListKind, Subscriptions } from './modern/subscriptions.ts'
import { WebSocketClient } from './websocket-client.ts'

/** The MCP surface. */
export interface McpSurface {
  /** Serves one request to the MCP endpoint. */
  handleHttp(request: IncomingMessage, response: ServerResponse): void
  /** Takes over an accepted WebSocket; `facts` are those of its upgrade request. */
  acceptWebSocket(connection: WebSocketConnection, facts: CallerFacts): void
  /** Exchanges the set of tools and tells every client that asked to know. */
  replaceTools(tools: readonly Tool[]): void
  /** Exchanges the set of prompts and tells every client that asked to know. */
  replacePrompts(prompts: readonly Prompt[]): void
  /** Tells whoever watches it, or whose list of resources it is. */
  resourceChanged(change: ResourceChange): void
  /** Ends at once whatever these principals have open here: their keys are revoked. */
  expel(principals: readonly string[]): void
  /**
   * Ends streams and subscriptions, lets running calls finish; resolves when none is left. `hasSuccessor`: whoever is here will
   * dial another process, and is let go when it does not call. `strays`: until this is aborted that process hands on what it cannot
   * place.
   */
  drain(hasSuccessor?: boolean, strays?: AbortSignal): Promise<void>
  /** Takes what a successor cannot place. */
  takeStray(stray: StrayMessage): void
  /** Ends everything now. */
  destroy(): void
  inspect(): McpInspection
}

const defaults = {
  bodyBytesMax: 4_194_304,
  sessionsMax: 1_000,
  sessionsPerClientMax: 16,
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
  const reporting = new Reporting(clock)
  const tools = new Tools(options, live, reporting)
  const events = new EventStore(clock, options.sessions.secrets)
  const sessions = new Sessions(
    clock,
    { ...limits, sessionsPerPrincipalMax: limits.sessionsPerPrincipalMax ?? limits.sessionsMax },
    events,
    emit,
  )
  const features = createFeatures(options, reporting)
  const { watchers } = features
  const subscriptions = new Subscriptions(limits.subscriptionsMax, features, emit, options.serverInfo)
  const modern = new Modern({ ...options, tools, features, subscriptions })
  const keeper = new SessionKeeper({ surface: options, sessions, watchers, rootsWaitMs: limits.rootsWaitMs })
  options.sessions.secrets.whenForgotten?.(() => keeper.endForgotten())
  const legacy = new LegacyHttp({ surface: options, sessions, keeper, events, tools, features })
  const clients = new Set<WebSocketClient>()
  const http = new HttpDoor({ surface: options, legacy, modern, bodyBytesMax: limits.bodyBytesMax })

  const closeSessions = (): void => {
    for (const session of [...sessions]) sessions.close(session, 'drained')
  }

  const tellListChanged = (kind: ListKind, isMeant: (identity: Identity) => boolean): void => {
    subscriptions.listChanged(kind, isMeant)
    const changed = notificationMessage(`notifications/${kind}/list_changed`)
    for (const session of sessions) {
      if (isMeant(session.peer.identity)) session.stream?.sendDroppable(changed)
    }
    for (const client of clients) if (isMeant(client.identity)) client.tell(changed)
  }
  const listChanges = new ListChanges(clock, (principal) =>
    tellListChanged('resources', (identity) => identity.principal === principal),
  )

  return {
    handleHttp: (request, response) => http.handle(request, response),
    acceptWebSocket(connection, facts) {
      const identify = (programName?: string) =>
        options.identify({ ...facts, connectionId: connection.id, programName })
      try {
        const client = new WebSocketClient(connection, identify, {
          surface: options,
          tools,
          features,
          modern,
          rootsWaitMs: limits.rootsWaitMs,
          messageBytesMax: limits.bodyBytesMax,
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
      tellListChanged('tools', () => true)
    },
    replacePrompts(next) {
      features.prompts.replace(next)
      tellListChanged('prompts', () => true)
    },
    resourceChanged({ principal, uri }) {
      if (uri === null) listChanges.changed(principal)
      else watchers.changed(principal, uri)
    },
    expel(principals) {
      const isTheirs = ({ principal }: Identity): boolean => principals.includes(principal)
      for (const session of [...sessions])
        if (isTheirs(session.peer.identity)) sessions.close(session, 'revoked')
      for (const client of [...clients]) if (isTheirs(client.identity)) client.expel()
      subscriptions.end(({ identity }) => isTheirs(identity))
      for (const call of live) if (isTheirs(call.identity)) call.abandon()
      features.calls.end(isTheirs)
    },
    takeStray: (stray) => takeStray(stray, sessions),
    async drain(hasSuccessor = false, strays) {
      subscriptions.drain()
      legacy.drain(strays)
      for (const client of clients) if (hasSuccessor || !client.isBridge) client.drain(hasSuccessor)
      for (const call of live) call.noneComesBack()
      await Promise.all([live.idle(), features.calls.idle()])
      // Where nobody else listens yet, a bridge is best kept until we go: dialling, its window's calls would only grow old.
      if (!hasSuccessor) for (const client of clients) if (client.isBridge) client.drain(false)
      closeSessions()
    },
    destroy() {
      // Before the connections go: whose close says of an answer that it will never leave, and not why.
      tools.cut.destroy()
      subscriptions.drain()
      for (const client of [...clients]) client.destroy()
      closeSessions()
      listChanges.destroy()
      features.calls.end(() => true)
      events.destroy()
      for (const call of live) call.abandon()
      options.late.destroy()
    },
    inspect: () =>
      inspectSurface({
        sessions,
        events,
        subscriptions,
        clients,
        live,
        late: options.late,
        tools,
      }),
  }
}

// A close frame holds at most 123 bytes of reason.
function closeReason(message: string): string {
  return Buffer.from(message).subarray(0, 120).toString('utf8').replace(/�+$/, '')
}
