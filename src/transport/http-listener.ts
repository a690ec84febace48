// One listening port: sockets, caps, timeouts, and the way from an exact path to a handler. Knows HTTP, nothing of what
// the handlers speak. Promises: what cannot be served is answered in a sentence; drain finishes what runs; destroy
// leaves no socket.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { hopHeader, ownHop } from '../lib/hop.ts'
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
  /** Open sockets at once, default 4,096; one more is answered 503 and closed. */
  readonly connectionsMax?: number
  /** Time for the request head, default 10 s, and for the whole request, default 60 s. */
  readonly headersTimeoutMs?: number
  readonly requestTimeoutMs?: number
  /** How long an idle connection is kept, default 75 s. */
  readonly keepAliveMs?: number
  /** A socket on which nothing moves for so long is cut, default 15 min: a reader that never takes its answer. */
  readonly stalledMs?: number
  /** Bytes of a request head, default 16 KiB; more is answered 431. */
  readonly headerBytesMax?: number
}

/** A port that listens, drains and closes. */
export interface HttpListener {
  /** Opens the port (0: any free one) and answers the one opened. Rejects with a sentence when it cannot be had. */
  listen(host: string, port: number): Promise<number>
  /** Takes no new connection, lets running requests finish; resolves when the last socket is closed. */
  drain(): Promise<void>
  /** Closes every socket now. */
  destroy(): Promise<void>
  inspect(): { readonly connections: number; readonly inFlight: number }
}

/** Creates a listener; it opens nothing before `listen`. */
export function createHttpListener(options: HttpListenerOptions): HttpListener {
  const connectionsMax = options.connectionsMax ?? 4_096
  const sockets = new Set<Socket>()
  const allClosed: (() => void)[] = []
  let port = 0
  let inFlight = 0
  let isDraining = false

  const onResponseClosed = (): void => {
    inFlight -= 1
    if (isDraining) server.closeIdleConnections()
  }
  const settings = {
    headersTimeout: options.headersTimeoutMs ?? 10_000,
    requestTimeout: options.requestTimeoutMs ?? 60_000,
    keepAliveTimeout: options.keepAliveMs ?? 75_000,
    maxHeaderSize: options.headerBytesMax ?? 16_384,
    connectionsCheckingInterval: 5_000,
    noDelay: true,
    // A browser or a Java client may offer `Upgrade: h2c`: that is a plain request here, not a WebSocket.
    shouldUpgradeCallback: (request: IncomingMessage) =>
      request.headers.upgrade?.toLowerCase() === 'websocket',
  }
  const { tls = null } = options
  const server: Server =
    tls === null
      ? createServer(settings)
      : createTlsServer({ ...settings, ...tls, handshakeTimeout: 10_000, minVersion: 'TLSv1.2' })

  server.timeout = options.stalledMs ?? 900_000

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    inFlight += 1
    response.on('close', onResponseClosed)
    if (isDraining) response.setHeader('connection', 'close')
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
    upgrade(request, socket, head)
  })
  server.on('connection', (socket: Socket) => {
    if (sockets.size >= connectionsMax) {
      socket.on('error', () => socket.destroy())
      if (tls !== null) {
        // Before the handshake there is no way to say anything.
        socket.destroy()
        return
      }
      refuseSocket(
        socket,
        503,
        `The server has its ${connectionsMax} connections open. Try again in a moment.`,
      )
      return
    }
    sockets.add(socket)
    socket.on('close', () => {
      sockets.delete(socket)
      if (sockets.size === 0) for (const done of allClosed.splice(0)) done()
    })
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'HPE_HEADER_OVERFLOW') refuseSocket(socket, 431, 'The request head is too large.')
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
      refuseSocket(socket, 408, 'The request did not arrive in time.')
    } else if (error.code === 'ECONNRESET' || error.code?.startsWith('ERR_SSL') || !socket.writable)
      socket.destroy()
    else refuseSocket(socket, 400, 'This is not a valid HTTP/1.1 request.')
  })

  // Node calls back when it has forgotten the last connection, a moment before that socket says `close`.
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      const whenSocketsClosed = (): void => {
        if (sockets.size === 0) resolve()
        else allClosed.push(resolve)
      }
      if (server.listening) server.close(whenSocketsClosed)
      else whenSocketsClosed()
    })

  return {
    listen: (host, wanted) =>
      new Promise((resolve, reject) => {
        const onError = (error: NodeJS.ErrnoException): void =>
          reject(new Error(listenSentence(error, host, wanted), { cause: error }))
        server.once('error', onError)
        server.listen({ host, port: wanted, backlog: 1_024 }, () => {
          server.off('error', onError)
          port = (server.address() as AddressInfo).port
          resolve(port)
        })
      }),
    drain() {
      isDraining = true
      const closed = close()
      server.closeIdleConnections()
      // Node holds a connection that has never spoken for one that is about to; nobody waits for those here.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
      return closed
    },
    async destroy() {
      isDraining = true
      const closed = close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
    inspect: () => ({ connections: sockets.size, inFlight }),
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

function listenSentence(error: NodeJS.ErrnoException, host: string, port: number): string {
  if (error.code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is already in use: stop the program that holds it, or choose another port with EXAI_PORT or listen.mcp.`
  }
  if (error.code === 'EACCES') return `Port ${port} on ${host} needs more rights: choose one above 1023.`
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return `This machine has no address ${host}: set listen.host to one of its own, or to 127.0.0.1.`
  }
  return `Port ${port} on ${host} cannot be opened: ${error.message}.`
}
