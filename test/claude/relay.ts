// A plain TCP relay to the server whose connections can be cut, as a network does it: for the window that must reconnect.

import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

/** The relay. */
export interface Relay {
  readonly port: number
  /** Where to; settable later, because the server's own config names the relay's port. */
  target(port: number): void
  /** Cuts every connection now. Answers how many there were. */
  cut(): number
  /** Settles when the next connection has come. */
  nextConnection(): Promise<void>
  close(): Promise<void>
}

/** Starts a relay on a port of its own. */
export async function startRelay(): Promise<Relay> {
  const open = new Set<Socket>()
  const waiting: (() => void)[] = []
  let targetPort = 0
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1')
    for (const done of waiting.splice(0)) done()
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        open.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  })
  await new Promise<void>((done, fail) => {
    server.once('error', fail)
    server.listen(0, '127.0.0.1', done)
  })
  const cut = (): number => {
    const count = open.size / 2
    for (const socket of open) socket.resetAndDestroy()
    return count
  }
  return {
    port: (server.address() as AddressInfo).port,
    target: (port) => {
      targetPort = port
    },
    cut,
    nextConnection: () => new Promise((done) => waiting.push(done)),
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        cut()
      }),
  }
}
