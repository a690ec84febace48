// The file of secrets under which tokens are sealed (`secret.json` in the data folder, readable by its owner alone). The first start
// makes one; rotation puts a newer one before it, and the older ones go on opening what they sealed until the longest life is over that
// can be set: which one the server has, whoever rotates need not know.

import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import { lockFile } from '../lib/file-lock.ts'
import { parseJson } from '../lib/parse-json.ts'
import { WholeFile } from '../lib/whole-file.ts'

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

/** The longest life that a setting may give to what is sealed. */
export const sealedHoursMax = 8_760
/** The same in milliseconds. */
export const sealedMsMax: number = sealedHoursMax * 3_600_000
/** How old a secret is before it seals, in milliseconds: by then every process over the same folder has read it. */
export const ripeMs = 10_000
// One more rotation within the longest life of a token ends the oldest early.
const secretsMax = 16

/** What a rotation may set. */
export interface RotationOptions {
  readonly path: string
  readonly clock: Clock
  /** True: every older secret goes at once, and with it everything it sealed. */
  readonly isForgetting: boolean
}

/** Puts a new secret before the others; answers how many older ones go on opening. Rejects with a sentence. */
export async function rotateSealSecret(options: RotationOptions): Promise<number> {
  const { path, clock, isForgetting } = options
  const file = fileAt(path)
  const release = await lockFile(`${path}.lock`, clock)
  try {
    const text = isForgetting ? null : await file.read()
    const known = text === null ? [] : fromText(text, path)
    const atMs = clock.wallMs()
    // Those before it were replaced when it was made: what they sealed is older than that.
    const replacedAt = (index: number): number => known[index - 1]?.createdAt ?? atMs
    const kept = known
      .filter((_, index) => atMs - replacedAt(index) - ripeMs < sealedMsMax)
      .slice(0, secretsMax - 1)
    await file.replace(toText([mint(atMs), ...kept]))
    return kept.length
  } finally {
    await release()
  }
}

/** The secrets in `path`, newest first; where there is no file it is made. Rejects with a sentence. */
export async function readOrMakeSealSecrets(path: string, clock: Clock): Promise<readonly SecretRecord[]> {
  const file = fileAt(path)
  return fromText((await file.read()) ?? (await file.makeOnce(toText([mint(clock.wallMs())]))), path)
}

function fileAt(path: string): WholeFile {
  return new WholeFile(path, 'The secret')
}

function mint(createdAt: number): SecretRecord {
  return { id: randomBytes(4).readUInt32BE(), bytes: randomBytes(32).toString('base64'), createdAt }
}

function toText(secrets: readonly SecretRecord[]): string {
  return `${JSON.stringify({ version: 1, secrets }, null, 2)}\n`
}

function fromText(text: string, path: string): readonly SecretRecord[] {
  const parsed = fileRule.safeParse(parseJson(text))
  if (parsed.success) return parsed.data.secrets
  // Nothing of the file itself: it is secret even when it is damaged.
  throw new Error(
    `The secret ${path} is damaged. Restore it from a backup, or remove it and start again: clients then open new sessions.`,
  )
}
