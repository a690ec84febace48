// Who serves a data folder now, in a file of that folder that its owner alone can read: how a successor finds the process that it is to
// replace. Whoever serves next writes its own over it and nobody takes it away: a process that did so when it ends would take that of
// its successor. So it may name one that is gone, which is found out when nobody answers.

import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { isAlive } from '../../lib/is-alive.ts'
import { parseJson } from '../../lib/parse-json.ts'
import { WholeFile } from '../../lib/whole-file.ts'

const fileName = 'serve.json'

/** A process that serves. */
export interface Incumbent {
  /** Of the words that successor and predecessor say to each other. */
  readonly protocol: number
  readonly version: string
  readonly pid: number
  /** Path of the Unix socket where it hears its successor. */
  readonly socket: string
  readonly host: string
  readonly port: number
  /** It takes from its successor what that cannot place. */
  readonly takesStrays?: boolean | undefined
}

const shape: z.ZodType<Incumbent> = z.object({
  protocol: z.int(),
  version: z.string(),
  pid: z.int(),
  socket: z.string(),
  host: z.string(),
  port: z.int(),
  takesStrays: z.boolean().optional(),
})

/** The words this version speaks. */
export const replaceProtocol: number = 1

/** Says that this process serves the folder from now on. */
export async function writeIncumbent(dataDir: string, incumbent: Incumbent): Promise<void> {
  await new WholeFile(join(dataDir, fileName), 'The file').replace(JSON.stringify(incumbent))
}

/** Who serves it, or has last; null when nobody ever did. Rejects with a sentence. */
export async function readIncumbent(dataDir: string): Promise<Incumbent | null> {
  const found = await look(dataDir)
  if (found !== 'foreign') return found
  throw new Error(
    `The file ${join(dataDir, fileName)} was not written by this version of exai: the running server cannot be replaced under way. Stop it, then start without --replace.`,
  )
}

/** Takes away what a killed process has left: its socket, when nobody has its number any more. */
export async function clearIncumbent(dataDir: string): Promise<void> {
  const found = await look(dataDir)
  if (found === null || found === 'foreign' || isAlive(found.pid)) return
  if (dirname(found.socket) === dataDir) await rm(found.socket, { force: true })
}

async function look(dataDir: string): Promise<Incumbent | 'foreign' | null> {
  const path = join(dataDir, fileName)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    const why =
      error.code === 'EACCES'
        ? 'it belongs to another user; start the replacement as that user'
        : error.message
    throw new Error(`The file ${path} cannot be read: ${why}.`, { cause: error })
  })
  if (text === null) return null
  const parsed = shape.safeParse(parseJson(text))
  return parsed.success ? parsed.data : 'foreign'
}
