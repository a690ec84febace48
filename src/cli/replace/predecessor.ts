// The server that is to be replaced, as its successor speaks to it. See `ear.ts` for what is said.

import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { packageVersion } from '../../lib/package-version.ts'
import type { StrayMessage } from '../../surfaces/mcp/mcp-options.ts'
import { canSharePorts } from '../../transport/open-port.ts'
import { releaseWithStrays, settledWord } from './ear.ts'
import { type Incumbent, readIncumbent, replaceProtocol } from './incumbent.ts'

/** The running server. Every method rejects with a sentence. */
export interface Predecessor extends Pick<Incumbent, 'host' | 'port' | 'pid'> {
  /** Resolves when it writes no counts any more. */
  rest(): Promise<void>
  /** Resolves when it takes no new connection; it ends by itself. */
  release(): Promise<void>
  /** After `release`: this process can be found by a successor of its own. */
  heard(): void
  /** Hands on what only it may place, as long as it lives; absent: it takes none. */
  readonly onStray?: (stray: StrayMessage) => void
  /** Before `release`: it goes on as if nothing had been said. */
  close(): void
}

const answerMsMax = 15_000
const strayBytesMax = 16_777_216

/** Finds the server of a data folder. Rejects with a sentence that says what to do. */
export async function findPredecessor(dataDir: string, clock: Clock = systemClock): Promise<Predecessor> {
  if (!canSharePorts) {
    throw new Error(
      'On this system two processes cannot share a port, so a server cannot be replaced under way: stop it, then start without --replace.',
    )
  }
  const incumbent = await readIncumbent(dataDir)
  if (incumbent === null) {
    throw new Error(
      `No server of the data folder ${dataDir} is running, so there is none to replace. Start without --replace.`,
    )
  }
  const { pid, host, port, version, takesStrays = false } = incumbent
  if (incumbent.protocol !== replaceProtocol) {
    throw new Error(
      `The running server (version ${version}, process ${pid}) cannot be replaced under way by this version (${packageVersion}). Stop it, then start without --replace.`,
    )
  }
  const socket = await dial(incumbent).catch(async (error: Error) => {
    // Unless it has been replaced in this very moment.
    const now = await readIncumbent(dataDir)
    if (now?.socket === incumbent.socket) throw error
    return null
  })
  if (socket === null) return findPredecessor(dataDir, clock)
  const reader = createInterface({ input: socket })
  reader.on('error', () => socket.destroy())
  const lines: AsyncIterator<string> = reader[Symbol.asyncIterator]()
  /** What it answers; null: it hung up. */
  const ask = async (word: string): Promise<string | null> => {
    socket.write(`${word}\n`)
    const late = Promise.withResolvers<string>()
    using _timer = clock.after(answerMsMax, () => late.resolve('nothing'))
    const answer = lines.next().then(
      ({ value, done }) => (done === true ? null : value),
      () => null,
    )
    return await Promise.race([answer, late.promise])
  }
  // One that reads nothing is not waited for.
  const handOn = (stray: StrayMessage): void => {
    if (socket.writable && socket.writableLength < strayBytesMax) socket.write(`${oneLine(stray)}\n`)
  }
  const refuse = (heard: string | null): never => {
    socket.destroy()
    throw new Error(sentenceOf(heard, pid))
  }
  return {
    host,
    port,
    pid,
    async rest() {
      const heard = await ask('rest')
      if (heard !== 'resting') refuse(heard)
    },
    ...(takesStrays ? { onStray: handOn } : {}),
    async release() {
      const heard = await ask(takesStrays ? releaseWithStrays : 'release')
      // One that has ended since it rests has left its place, too.
      if (heard !== 'released' && heard !== null) refuse(heard)
    },
    heard() {
      if (takesStrays) socket.write(`${settledWord}\n`)
      else socket.destroy()
    },
    close: () => socket.destroy(),
  }
}

// Two characters that JSON leaves as they are end a line, too.
function oneLine(stray: StrayMessage): string {
  return JSON.stringify(stray).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}

function sentenceOf(heard: string | null, pid: number): string {
  if (heard === 'taken') {
    return `The running server (process ${pid}) is being replaced by another process already, or has just been. Start again when that one serves. Should this be said for longer than a minute, end that one if it hangs; if it is gone, start without --replace.`
  }
  if (heard === null) {
    return `The running server (process ${pid}) hung up when it was to be replaced: it has ended meanwhile, or another program has its place. Look at its log, then start again.`
  }
  return `The running server (process ${pid}) did not answer when it was to be replaced: it may be stopped or very busy, or another program has its place. Look at its log; it goes on as it was.`
}

async function dial({ socket: path, pid }: Incumbent): Promise<Socket> {
  // Found out here, and not by a port that seems taken after both have changed the same files.
  const owner = await stat(path).then(
    ({ uid }) => uid,
    () => null, // gone: told below
  )
  if (process.getuid !== undefined && owner !== null && owner !== process.getuid()) {
    throw new Error(
      `The server of this data folder (process ${pid}) belongs to another user (number ${owner}), and only processes of one user share a port. Start the replacement as that user.`,
    )
  }
  const socket = connect(path)
  try {
    await once(socket, 'connect')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM') {
      throw new Error(
        `The running server (process ${pid}) belongs to another user: start the replacement as that user.`,
        { cause: error },
      )
    }
    throw new Error(
      `The server that served this data folder (process ${pid}) is gone (${code}), so there is none to replace. Start without --replace.`,
      { cause: error },
    )
  }
  // Told by the next answer that does not come.
  socket.on('error', () => socket.destroy())
  return socket
}
