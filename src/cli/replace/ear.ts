// Where a running server hears its successor, on a Unix socket that only its owner reaches:
//
//   successor                          this process
//   "rest"      has built its rooms    writes its counts a last time and leaves their files alone     ─▶ "resting"
//   "release"   listens beside         takes no new connection, serves whoever is here, then ends     ─▶ "released"
//   "settled"   has its own ear        may end
//   { ... }     has a stray message    places it, if it can
//   gone before "release"              goes on as if nothing had been said
//
// "release with strays" says that such messages will come; who only says "release" leaves in the place of "settled".
//
// One at a time: whoever says "rest" while another does, or once another has the place, hears "taken".

import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import type { ServerAddress } from '../../config/reach.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { packageVersion } from '../../lib/package-version.ts'
import { parseJson } from '../../lib/parse-json.ts'
import type { Server } from '../../server.ts'
import type { StrayMessage } from '../../surfaces/mcp/mcp-options.ts'
import { clearIncumbent, replaceProtocol, writeIncumbent } from './incumbent.ts'

/** An open ear. */
export interface Ear {
  /** Resolves when a successor has the port. */
  readonly replaced: Promise<void>
  /** Aborted when no successor hands on what it cannot place. */
  readonly strays: AbortSignal
  /** Waits until a successor that has the port has its own ear: nobody who asks meanwhile is told that no server is here. */
  close(): Promise<void>
}

// A Unix socket's path has at most 107 bytes.
const pathBytesMax = 100
const successorMsMax = 5_000

/** As "release", of a successor that will hand on stray messages. */
export const releaseWithStrays = 'release with strays'
/** Said after that one, when the successor has its own ear. */
export const settledWord = 'settled'

type HeardServer = Pick<Server, 'rest' | 'takeStray'>

const strayShape: z.ZodType<StrayMessage> = z.object({
  principal: z.string(),
  clientHeader: z.string().optional(),
  session: z.string(),
  message: z.string(),
})

/** Listens for a successor and says so in the data folder. Rejects with the system's error. */
export async function openEar(
  dataDir: string,
  address: Pick<ServerAddress, 'host' | 'port'>,
  server: HeardServer,
  clock: Clock = systemClock,
): Promise<Ear> {
  await clearIncumbent(dataDir)
  const path = await socketPath(dataDir)
  const place = new Place(server)
  const sockets = new Set<Socket>()
  const listener = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      sockets.delete(socket)
      place.left(socket)
    })
    const lines = createInterface({ input: socket })
    lines.on('line', (line) => place.hear(socket, line))
    // The socket's, told once more.
    lines.on('error', () => socket.destroy())
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
  const incumbent = { protocol: replaceProtocol, version, pid, socket: path, host, port, takesStrays: true }
  await writeIncumbent(dataDir, incumbent)
  return {
    replaced: place.replaced,
    strays: place.strays,
    async close() {
      await place.settled(clock)
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => listener.close(() => resolve()))
      if (dirname(path) !== dataDir) await rm(dirname(path), { recursive: true, force: true })
    },
  }
}

/** This process's place, and who takes it. */
class Place {
  readonly #server: HeardServer
  readonly #replaced = Promise.withResolvers<void>()
  readonly #settled = Promise.withResolvers<void>()
  readonly #strays = new AbortController()
  #successor: Socket | null = null
  #wake: (() => void) | null = null
  #isReleased = false

  constructor(server: HeardServer) {
    this.#server = server
  }

  get replaced(): Promise<void> {
    return this.#replaced.promise
  }

  get strays(): AbortSignal {
    return this.#strays.signal
  }

  hear(socket: Socket, line: string): void {
    if (this.#successor === socket && this.#wake !== null) this.#hearSuccessor(socket, line)
    else if (line !== 'rest' || this.#successor === socket) socket.destroy()
    else if (this.#successor !== null || this.#isReleased) socket.end('taken\n')
    else void this.#rest(socket)
  }

  #hearSuccessor(socket: Socket, line: string): void {
    if (this.#isReleased && line === settledWord) {
      this.#settled.resolve()
      return
    }
    const stray = strayShape.safeParse(parseJson(line))
    if (stray.success) this.#server.takeStray(stray.data)
    else if (!this.#isReleased && line === 'release') this.#release(socket, false)
    else if (!this.#isReleased && line === releaseWithStrays) this.#release(socket, true)
    else socket.destroy()
  }

  // One that has gone meanwhile is not told, and does not have the place.
  #release(socket: Socket, hasStrays: boolean): void {
    socket.write('released\n', (error) => {
      if (error) return
      this.#isReleased = true
      if (!hasStrays) this.#strays.abort()
      this.#replaced.resolve()
    })
  }

  left(socket: Socket): void {
    if (this.#successor !== socket) return
    // While it is about to rest it finds out by itself.
    if (this.#wake !== null) this.#forget()
  }

  async settled(clock: Clock): Promise<void> {
    if (!this.#isReleased) return
    using _timer = clock.after(successorMsMax, this.#settled.resolve)
    await this.#settled.promise
  }

  async #rest(socket: Socket): Promise<void> {
    this.#successor = socket
    this.#wake = await this.#server.rest()
    if (socket.destroyed) this.#forget()
    else socket.write('resting\n')
  }

  #forget(): void {
    if (this.#isReleased) {
      this.#settled.resolve()
      this.#strays.abort()
    } else this.#wake?.()
    this.#wake = null
    this.#successor = null
  }
}

async function socketPath(dataDir: string): Promise<string> {
  const own = join(dataDir, `serve-${process.pid}.sock`)
  // One of a killed process with the same number.
  await rm(own, { force: true })
  if (Buffer.byteLength(own) <= pathBytesMax) return own
  return join(await mkdtemp(join(tmpdir(), 'exai-')), 'serve.sock')
}
