// The WebSocket door: subprotocol `mcp`, one text frame a message, pings that find dead peers, closes with a reason.
// Knows frames, nothing of what is in them. Promises: a peer that takes nothing is cut, a silent dead one is noticed
// within two ping intervals, and no listener outlives its socket.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { drainedReason } from '../domain/resend.ts'
import type { Clock } from '../lib/clock.ts'
import type { Flow } from '../streams/flow.ts'
import { explainingSocket } from './explaining-socket.ts'
import type { UpgradeRoute } from './http-listener.ts'
import type { PartialBody } from './partial-bodies.ts'
import { refuseSocket } from './refuse.ts'
import { Connection } from './websocket-connection.ts'
import type { WebSocketConnection } from './websocket-face.ts'

/** What the door is made of. Durations in milliseconds, sizes in bytes. */
export interface WebSocketDoorOptions {
  readonly clock: Clock
  readonly flow: Flow
  readonly onConnection: (connection: WebSocketConnection, request: IncomingMessage) => void
  /** Connections at once, default 1,000; one more is closed with 1013. */
  readonly connectionsMax?: number
  /** One message, default 4 MiB; a larger one closes the connection with 1009 and a sentence. */
  readonly frameBytesMax?: number
  /** Default 30 s. */
  readonly pingIntervalMs?: number
  /** Counts what is kept of messages that have come in part; one without room closes its connection with 1013. */
  readonly partialBody?: (socket: Duplex) => PartialBody
}

/** Accepts upgrades and looks after the connections. */
export interface WebSocketDoor {
  readonly upgrade: UpgradeRoute
  /** Takes no new connection; the holders close theirs with 1012. Resolves when the last is closed. */
  drain(): Promise<void>
  /** Cuts every connection now. */
  destroy(): void
  inspect(): { readonly connections: number }
}

const subprotocol = 'mcp'

/** Creates the door; it owns no port, `upgrade` is given to a listener. */
export function createWebSocketDoor(options: WebSocketDoorOptions): WebSocketDoor {
  const connectionsMax = options.connectionsMax ?? 1_000
  const open = new Set<WebSocket>()
  const waiters: (() => void)[] = []
  let isDraining = false
  const frameBytesMax = options.frameBytesMax ?? 4_194_304
  const server = new WebSocketServer({
    noServer: true,
    WebSocket: explainingSocket(frameBytesMax),
    maxPayload: frameBytesMax,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
  })

  const { clock, flow, pingIntervalMs = 30_000, partialBody } = options

  const hold = (socket: WebSocket, stream: Duplex, request: IncomingMessage): void => {
    socket.on('error', ignoreSocketError)
    if (isDraining || open.size >= connectionsMax) {
      socket.close(
        isDraining ? 1012 : 1013,
        isDraining ? drainedReason : 'The server has no room for another connection.',
      )
      return
    }
    open.add(socket)
    const connection = new Connection(socket, stream, { clock, flow, pingIntervalMs, partialBody })
    socket.on('close', () => {
      open.delete(socket)
      if (open.size === 0) for (const done of waiters.splice(0)) done()
    })
    options.onConnection(connection, request)
  }

  return {
    upgrade(request: IncomingMessage, socket: Duplex, head: Buffer) {
      const offered = request.headers['sec-websocket-protocol']
      if (!offered?.split(',').some((name) => name.trim() === subprotocol)) {
        refuseSocket(
          socket,
          400,
          'This WebSocket speaks the subprotocol "mcp" only: offer it in Sec-WebSocket-Protocol.',
        )
        return
      }
      server.handleUpgrade(request, socket, head, (opened) => hold(opened, socket, request))
    },
    drain() {
      isDraining = true
      return open.size === 0 ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))
    },
    destroy() {
      isDraining = true
      for (const socket of open) socket.terminate()
    },
    inspect: () => ({ connections: open.size }),
  }
}

// `ws` closes the socket itself after an error (explaining-socket.ts has the codes); `close` follows and is where everything is
// released, so there is nothing left to do here.
function ignoreSocketError(): void {}
