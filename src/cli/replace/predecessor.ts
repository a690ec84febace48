// The server that is to be replaced, as its successor speaks to it. See `ear.ts` for what is said.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { packageVersion } from '../../lib/package-version.ts'
import { canSharePorts } from '../../transport/open-port.ts'
import { type Incumbent, incumbentOwner, readIncumbent, replaceProtocol } from './incumbent.ts'

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
  // Found out here, and not by a port that seems taken after both have changed the same files.
  const owner = await incumbentOwner(dataDir)
  if (process.getuid !== undefined && owner !== process.getuid()) {
    throw new Error(
      `The server of this data folder (process ${pid}) belongs to another user (number ${owner}), and only processes of one user share a port. Start the replacement as that user.`,
    )
  }
  const socket = await dial(incumbent)
  const lines: AsyncIterator<string> = createInterface({ input: socket })[Symbol.asyncIterator]()
  const say = async (word: string, expected: string): Promise<void> => {
    socket.write(`${word}\n`)
    const late = Promise.withResolvers<null>()
    using _timer = clock.after(answerMsMax, () => late.resolve(null))
    const heard = await Promise.race([lines.next(), late.promise])
    if (heard?.value === expected) return
    socket.destroy()
    throw new Error(
      `The running server (process ${pid}) did not answer when it was to be replaced: it may be stopped or very busy, or another program has its place. Look at its log; it goes on as it was.`,
    )
  }
  return {
    host,
    port,
    pid,
    rest: () => say('rest', 'resting'),
    release: () => say('release', 'released'),
    close: () => socket.destroy(),
  }
}

async function dial({ socket: path, pid }: Incumbent): Promise<Socket> {
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
