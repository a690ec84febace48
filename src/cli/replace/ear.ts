// Where a running server hears its successor, on a Unix socket that only its owner reaches:
//
//   successor                          this process
//   "rest"      has built its rooms    writes its counts a last time and leaves their files alone     ─▶ "resting"
//   "release"   listens beside         takes no new connection, serves whoever is here, then ends     ─▶ "released"
//   gone before "release"              goes on as if nothing had been said

import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ServerAddress } from '../../config/reach.ts'
import { packageVersion } from '../../lib/package-version.ts'
import type { Server } from '../../server.ts'
import { clearIncumbent, removeIncumbent, replaceProtocol, writeIncumbent } from './incumbent.ts'

/** An open ear. */
export interface Ear {
  /** Resolves when a successor has the port. */
  readonly replaced: Promise<void>
  close(): Promise<void>
}

// A Unix socket's path has at most 107 bytes.
const pathBytesMax = 100

/** Listens for a successor and says so in the data folder. Rejects with the system's error. */
export async function openEar(
  dataDir: string,
  address: Pick<ServerAddress, 'host' | 'port'>,
  server: Pick<Server, 'rest'>,
): Promise<Ear> {
  await clearIncumbent(dataDir)
  const path = await socketPath(dataDir)
  const { promise: replaced, resolve: released } = Promise.withResolvers<void>()
  const sockets = new Set<Socket>()
  const listener = createServer((socket) => {
    sockets.add(socket)
    hear(socket, server, released, () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(path, resolve)
  })
  await chmod(path, 0o600)
  // It keeps nothing alive.
  listener.unref()
  const { pid } = process
  const { host, port } = address
  const version = packageVersion
  await writeIncumbent(dataDir, { protocol: replaceProtocol, version, pid, socket: path, host, port })
  return {
    replaced,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => listener.close(() => resolve()))
      if (dirname(path) !== dataDir) await rm(dirname(path), { recursive: true, force: true })
      await removeIncumbent(dataDir, pid)
    },
  }
}

function hear(socket: Socket, server: Pick<Server, 'rest'>, released: () => void, onGone: () => void): void {
  let wake: (() => void) | null = null
  let isReleased = false
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    onGone()
    if (!isReleased) wake?.()
  })
  createInterface({ input: socket }).on('line', (line) => {
    if (line === 'rest' && wake === null) {
      void server.rest().then((again) => {
        wake = again
        // It may be gone already.
        if (socket.destroyed) again()
        else socket.write('resting\n')
      })
    } else if (line === 'release' && wake !== null) {
      isReleased = true
      released()
      socket.write('released\n')
    } else socket.destroy()
  })
}

async function socketPath(dataDir: string): Promise<string> {
  const own = join(dataDir, `serve-${process.pid}.sock`)
  // One of a killed process with the same number.
  await rm(own, { force: true })
  if (Buffer.byteLength(own) <= pathBytesMax) return own
  return join(await mkdtemp(join(tmpdir(), 'exai-')), 'serve.sock')
}
