// One listening port: its timeouts, and the way from an exact path to a handler. Knows HTTP, nothing of what
// the handlers speak. Promises: what cannot be served is answered in a sentence; drain finishes what runs; destroy
// leaves no socket.

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type Socket, Server as SocketServer } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../lib/clock.ts'
import { hopHeader, ownHop } from '../lib/hop.ts'
import { http } from '../lib/node-http.ts'
import type { Edge } from './edge.ts'
import { openPort } from './open-port.ts'
import type { OriginGuard } from './origin-guard.ts'
import { refuse, refuseSocket } from './refuse.ts'
import type { TlsMaterial } from './tls-material.ts'

/** Serves one request. */
export type Route = (request: IncomingMessage, response: ServerResponse) => void
/** Takes over a socket that asks to become a WebSocket. */
export type UpgradeRoute = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** What a listener is made of. Durations in milliseconds. */
export interface HttpListenerOptions {
  /** By exact path, without query; a path that ends in `/` serves everything below its first segment. */
  readonly routes: ReadonlyMap<string, Route>
  readonly upgrades: ReadonlyMap<string, UpgradeRoute>
  readonly guard: OriginGuard
  /** Certificate and key in PEM; absent: plain HTTP. */
  readonly tls?: TlsMaterial | null
  readonly edge: Edge
  /** How long an idle connection is kept, default 75 s. */
  readonly keepAliveMs?: number
  /** A socket on which nothing moves for so long is cut, default 15 min: a reader that never takes its answer. */
  readonly stalledMs?: number
}

/** A port that listens, drains and closes. */
export interface HttpListener {
  /**
   * Opens the port (0: any free one) and answers the one opened; `isBeside`: another process of ours has it open, and both
   * take connections from then on. Rejects with a sentence when it cannot be had.
   */
  listen(host: string, port: number, isBeside?: boolean): Promise<number>
  /**
   * Leaves the port to another process that listens beside: takes no new connection, answers what comes on the open ones
   * for the last time, closes those that rest for long, has `endStreams` end what would never end by itself, whose clients then find
   * nobody but the other; resolves when that is done and the last socket closed.
   */
  release(clock: Clock, endStreams: () => Promise<unknown>): Promise<void>
  /** Takes no new connection, lets running requests finish; resolves when the last socket is closed. */
  drain(): Promise<void>
  /** Closes every socket now. */
  destroy(): Promise<void>
  inspect(): { readonly connections: number; readonly inFlight: number }
}

/** Creates a listener; it opens nothing before `listen`. */
export function createHttpListener(options: HttpListenerOptions): HttpListener {
  const { edge } = options
  const { headMs, headBytesMax } = edge.limits
  let port = 0
  let inFlight = 0
  let isDraining = false
  let isReleased = false
  const upgraded = new WeakSet<Duplex>()

  // A connection whose answer had begun before is closed with its end, where no other is under way on it: the client has heard nothing
  // of it yet. By now the answer is with the kernel.
  const onResponseClosed = function (this: ServerResponse): void {
    inFlight -= 1
    if ((isDraining || isReleased) && edge.inFlightOn(this.req.socket) === 0) this.req.socket.end()
  }
  const settings = {
    headersTimeout: headMs,
    // The time of bodies is the edge's to measure: an upload may take as long as it needs.
    requestTimeout: 0,
    keepAliveTimeout: options.keepAliveMs ?? 75_000,
    maxHeaderSize: headBytesMax,
    connectionsCheckingInterval: Math.min(1_000, headMs / 2),
    noDelay: true,
    // A host that has vanished is noticed by the kernel, where nothing is sent that could notice it.
    keepAlive: true,
    keepAliveInitialDelay: tcpKeepAliveMs,
    // A browser or a Java client may offer `Upgrade: h2c`: that is a plain request here, not a WebSocket.
    shouldUpgradeCallback: (request: IncomingMessage) =>
      request.headers.upgrade?.toLowerCase() === 'websocket',
  }
  const { tls = null } = options
  const server: Server =
    tls === null
      ? http.createServer(settings)
      : createTlsServer({ ...settings, ...tls, handshakeTimeout: 10_000, minVersion: 'TLSv1.2' })

  server.timeout = options.stalledMs ?? 900_000
  // Node drops the fields above its bound in silence, the caller's key among them: ours says so.
  server.maxHeadersCount = 0

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!edge.begin(request, response)) return
    inFlight += 1
    response.on('close', onResponseClosed)
    if (isDraining || isReleased) response.setHeader('connection', 'close')
    if (request.headers[hopHeader] === ownHop) {
      refuse(response, 508, loopSentence)
      return
    }
    const refused = options.guard.check(request.headers.host, request.headers.origin, port)
    if (refused !== null) {
      refuse(response, 403, refused)
      return
    }
    const path = pathOf(request)
    const route = options.routes.get(path) ?? options.routes.get(folderOf(path))
    if (route === undefined) {
      refuse(response, 404, `There is nothing at this path. This server has ${pathList(options.routes)}.`)
      return
    }
    route(request, response)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    if (!edge.mayUpgrade(request.socket)) {
      socket.destroy()
      return
    }
    const refused = options.guard.check(request.headers.host, request.headers.origin, port)
    if (refused !== null) {
      refuseSocket(socket, 403, refused)
      return
    }
    const upgrade = options.upgrades.get(pathOf(request))
    if (upgrade === undefined) {
      refuseSocket(
        socket,
        404,
        `There is no WebSocket at this path. This server has ${pathList(options.upgrades)}.`,
      )
      return
    }
    upgraded.add(socket)
    upgrade(request, socket, head)
  })
  server.on('connection', (socket: Socket) => edge.accept(socket, tls !== null))
  if (tls !== null) server.on('secureConnection', (socket: Socket) => edge.secured(socket))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || error.code?.startsWith('ERR_SSL') || !socket.writable) socket.destroy()
    else if (error.code === 'HPE_HEADER_OVERFLOW') {
      edge.unreadable(socket, 'head-large', 431, 'The request head is too large.')
    } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
      edge.unreadable(socket, 'head-late', 408, 'The request did not arrive in time.')
    } else edge.unreadable(socket, 'not-http', 400, 'This is not a valid HTTP/1.1 request.')
  })

  const hasResting = (): boolean => {
    for (const { inFlight, speaker } of edge) if (inFlight === 0 && !upgraded.has(speaker)) return true
    return false
  }

  // Not HTTP's own `close` and `closeIdleConnections`: they cut every connection whose answer was given, whether it has left or not, and
  // those that may just be spoken on. Node calls back when it has forgotten the last one, a moment before that socket says `close`.
  const closePort = async (): Promise<void> => {
    if (server.listening) {
      await new Promise<void>((resolve) => SocketServer.prototype.close.call(server, () => resolve()))
    }
    await edge.emptied()
    // Nothing is left to cut: this ends its watch on late heads.
    server.close()
  }
  // Of those that have never spoken nobody waits for one.
  const closeResting = (): void => {
    for (const open of edge) if (open.isResting || open.socket.bytesRead === 0) open.socket.destroy()
  }

  return {
    async listen(host, wanted, isBeside = false) {
      port = await openPort(server, host, wanted, isBeside)
      return port
    },
    async release(clock, endStreams) {
      isReleased = true
      await quietTurn(clock)
      const closed = closePort()
      for (let restedMs = 0; restedMs < releaseRestMs && hasResting(); restedMs += releaseLookMs) {
        await new Promise<void>((resolve) => clock.after(releaseLookMs, resolve))
      }
      // What has come by now is read first: a connection with a request unread would be reset.
      await quietTurn(clock)
      closeResting()
      await Promise.all([endStreams(), closed])
    },
    drain() {
      isDraining = true
      const closed = closePort()
      closeResting()
      return closed
    },
    async destroy() {
      isDraining = true
      const closed = closePort()
      edge.destroy()
      await closed
    },
    inspect: () => ({ connections: edge.size, inFlight }),
  }
}

const tcpKeepAliveMs = 30_000
/**
 * So long a connection that rests may be spoken on once more, and is told with the answer that it is closed. One that is closed while
 * its client writes costs a call.
 */
const releaseRestMs = 5_000
const releaseLookMs = 250

// The kernel resets the connections that wait to be taken when a port is closed. Each turn of the loop takes them all, so the port
// is closed right behind a turn that took no time; on a loop that is never quiet, behind the last of some.
const quietTurnMs = 0.5
const turnsMax = 200

async function quietTurn(clock: Clock): Promise<void> {
  for (let turn = 0; turn < turnsMax; turn++) {
    const before = clock.now()
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (turn > 0 && clock.now() - before < quietTurnMs) return
  }
}

const loopSentence =
  "This request comes from this server itself: the baseUrl of a provider leads back to it. Set it to the vendor's address and restart the server."

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '/'
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

// `/files/abc` -> `/files/`
function folderOf(path: string): string {
  return path.slice(0, path.indexOf('/', 1) + 1)
}

function pathList(paths: ReadonlyMap<string, unknown>): string {
  return paths.size === 0 ? 'none' : [...paths.keys()].join(', ')
}
