// The file of secrets under which tokens are sealed (`secret.json` in the data folder, readable by its owner alone). The first start
// makes one; rotation puts a newer one before it, and the older ones go on opening what they sealed until its longest life is over.

import { randomBytes } from 'node:crypto'
import { link, open, readFile, rename, rm } from 'node:fs/promises'
import { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import { lockFile } from '../lib/file-lock.ts'

/** Its name in the data folder. */
export const sealSecretFileName = 'secret.json'

/** A secret as it is kept. */
export interface SecretRecord {
  readonly id: number
  readonly bytes: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

const recordRule = z.strictObject({
  id: z.int().min(0).max(0xffff_ffff),
  bytes: z.base64().length(44),
  createdAt: z.int().min(0),
})
const fileRule = z.strictObject({
  version: z.literal(1),
  // Newest first.
  secrets: z.array(recordRule).min(1).max(64),
})

/** How old a secret is before it seals, in milliseconds: by then every process over the same folder has read it. */
export const ripeMs = 10_000
// One more rotation within the longest life of a token ends the oldest early.
const secretsMax = 16

/** What a rotation may set. */
export interface RotationOptions {
  readonly path: string
  readonly clock: Clock
  /** A secret whose successor is older than this opens nothing that is still alive, and goes. Milliseconds. */
  readonly tokenLifeMs: number
  /** True: every older secret goes at once, and with it everything it sealed. */
  readonly isForgetting: boolean
}

/** Puts a new secret before the others; answers how many older ones go on opening. Rejects with a sentence. */
export async function rotateSealSecret(options: RotationOptions): Promise<number> {
  const { path, clock, tokenLifeMs, isForgetting } = options
  const release = await lockFile(`${path}.lock`, clock)
  try {
    const known = isForgetting ? [] : ((await readSecrets(path)) ?? [])
    const atMs = clock.wallMs()
    // Those before it were replaced when it was made: what they sealed is older than that.
    const replacedAt = (index: number): number => known[index - 1]?.createdAt ?? atMs
    const kept = known
      .filter((_, index) => atMs - replacedAt(index) - ripeMs < tokenLifeMs)
      .slice(0, secretsMax - 1)
    const draft = await writeDraft(path, [mint(atMs), ...kept])
    await rename(draft, path)
    return kept.length
  } finally {
    await release()
  }
}

/** The secrets in `path`, newest first; where there is no file it is made. Rejects with a sentence. */
export async function readOrMakeSealSecrets(path: string, clock: Clock): Promise<readonly SecretRecord[]> {
  return (await readSecrets(path)) ?? (await makeFirst(path, clock.wallMs()))
}

// Whoever links first has made it; everybody else takes that one.
async function makeFirst(path: string, atMs: number): Promise<readonly SecretRecord[]> {
  const draft = await writeDraft(path, [mint(atMs)])
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(path, error)
  } finally {
    await rm(draft, { force: true })
  }
  const made = await readSecrets(path)
  if (made === null) throw unwritable(path, new Error('it went away at once'))
  return made
}

function mint(createdAt: number): SecretRecord {
  return { id: randomBytes(4).readUInt32BE(), bytes: randomBytes(32).toString('base64'), createdAt }
}

async function writeDraft(path: string, secrets: readonly SecretRecord[]): Promise<string> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.new`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(`${JSON.stringify({ version: 1, secrets }, null, 2)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    return draft
  } catch (error) {
    throw unwritable(path, error)
  }
}

async function readSecrets(path: string): Promise<readonly SecretRecord[] | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw new Error(`The secret ${path} cannot be read (${error.code ?? error.message}).`, { cause: error })
  })
  if (text === null) return null
  const parsed = fileRule.safeParse(parseJson(text))
  if (parsed.success) return parsed.data.secrets
  // Nothing of the file itself: it is secret even when it is damaged.
  throw new Error(
    `The secret ${path} is damaged. Restore it from a backup, or remove it and start again: clients then open new sessions.`,
  )
}

function unwritable(path: string, cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  return new Error(`The secret ${path} cannot be written (${code}). Its folder must be writable.`, { cause })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
