// The server that is to be replaced, as its successor speaks to it. See `ear.ts` for what is said.

import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { packageVersion } from '../../lib/package-version.ts'
import { canSharePorts } from '../../transport/open-port.ts'
import { type Incumbent, readIncumbent, replaceProtocol } from './incumbent.ts'

/** The running server. Every method rejects with a sentence. */
export interface Predecessor extends Pick<Incumbent, 'host' | 'port' | 'pid'> {
  /** Resolves when it writes no counts any more. */
  rest(): Promise<void>
  /** Resolves when it takes no new connection; it ends by itself. */
  release(): Promise<void>
  /** Before `release`: it goes on as if nothing had been said. */
  close(): void
}

const answerMsMax = 15_000

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
  const { pid, host, port, version } = incumbent
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
    async release() {
      const heard = await ask('release')
      // One that has ended since it rests has left its place, too.
      if (heard !== 'released' && heard !== null) refuse(heard)
    },
    close: () => socket.destroy(),
  }
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
