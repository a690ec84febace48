// The file of keys (`keys.json` in the data folder): who may call, with which share and limits. It holds digests, never keys.
// The command line changes it, a running server reads it again within half a second; each change is one atomic rename,
// made under a lock file, so that two commands at once lose nothing. Bounded where it is written: what is there is always read, or no key
// could be revoked any more.

import { z } from 'zod'
import { localPrincipal } from '../domain/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { lockFile } from '../lib/file-lock.ts'
import { parseJson } from '../lib/parse-json.ts'
import { WholeFile } from '../lib/whole-file.ts'

/** Its name in the data folder. */
export const keyFileName = 'keys.json'

/** What a key gives its holder: a team, a share, limits. All of it can be changed while the key is in use. */
export interface KeyTerms {
  readonly team: string | null
  /** Share under contention; 1 is everybody's. */
  readonly weight: number
  /** null: the configured default. */
  readonly requestsPerMinute: number | null
  /** Tokens a minute and a day (UTC); null: the configured default. */
  readonly tokensPerMinute: number | null
  readonly tokensPerDay: number | null
  /** US dollars a calendar month (UTC); null: no budget. */
  readonly budgetUsdPerMonth: number | null
}

/** One key as it is kept. */
export interface KeyRecord extends KeyTerms {
  /** The principal's name; unique among the keys that are not revoked. */
  readonly name: string
  /** `operator` may also watch the whole server. */
  readonly scope: 'use' | 'operator'
  readonly digest: string
  /** ISO times. */
  readonly createdAt: string
  readonly revokedAt: string | null
}

const nameRule = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,63}$/,
    'must be 1 to 64 small letters, digits, dots, dashes or underscores, and begin with a letter or digit',
  )
  .refine(
    (name) => name !== localPrincipal,
    'must not be "local": that is whoever calls from this computer without a key',
  )
const tokens = z.int().min(1).max(1_000_000_000_000).nullable()
const recordRule = z.strictObject({
  name: nameRule,
  team: nameRule.nullable(),
  weight: z.number().min(0.01).max(1000),
  requestsPerMinute: z.int().min(1).max(1_000_000).nullable(),
  // Files written before there were such limits have none.
  tokensPerMinute: tokens.default(null),
  tokensPerDay: tokens.default(null),
  budgetUsdPerMonth: z.number().min(0).max(1_000_000).nullable(),
  scope: z.enum(['use', 'operator']),
  digest: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex'),
  createdAt: z.string(),
  revokedAt: z.string().nullable(),
})
const fileRule = z.strictObject({ version: z.literal(1), keys: z.array(recordRule) })
// Keys in the file; of those revoked the oldest make room.
const keysMax = 10_000

/** The keys in `path`; none when there is no file. Throws a sentence when it is damaged: a damaged file lets nobody in. */
export async function readKeyFile(path: string): Promise<readonly KeyRecord[]> {
  const text = await fileAt(path).read()
  if (text === null) return []
  const parsed = fileRule.safeParse(parseJson(text))
  if (parsed.success) return parsed.data.keys
  const [issue] = parsed.error.issues
  throw new Error(
    `The file of keys ${path} is damaged at ${issue?.path.join('.') || 'its beginning'}: ${issue?.message ?? 'not JSON'}. Restore it from a backup, or remove it and add the keys again.`,
  )
}

/**
 * Adds a key. Throws a sentence for a bad record, for more tokens a minute than a day, for a name that is in use, or where as many keys as
 * there may be are in force.
 */
export async function addKey(path: string, record: KeyRecord, clock: Clock): Promise<void> {
  assertRecord(record)
  assertTokens(record)
  await change(path, clock, (keys) => {
    if (keys.some(({ name, revokedAt }) => name === record.name && revokedAt === null)) {
      throw new Error(`There is a key for "${record.name}" already. Revoke it first, or choose another name.`)
    }
    if (keys.filter(({ revokedAt }) => revokedAt === null).length >= keysMax) {
      throw new Error(`There are ${keysMax} keys in force, and no more are kept. Revoke one first.`)
    }
    return [...keys, record]
  })
}

/**
 * Changes what the key of `name` gives; what `terms` leave out stays. Throws a sentence when there is no such key, or for bad terms, such
 * as more tokens a minute than a day, be it together with what the key has already.
 */
export async function changeKey(
  path: string,
  name: string,
  terms: Partial<KeyTerms>,
  clock: Clock,
): Promise<void> {
  await change(path, clock, (keys) =>
    replaced(keys, name, (key) => {
      const changed = { ...key, ...terms }
      assertRecord(changed)
      // A key from before this was checked may contradict itself; its other terms can be changed all the same.
      if (terms.tokensPerMinute !== undefined || terms.tokensPerDay !== undefined) assertTokens(changed)
      return changed
    }),
  )
}

/** Revokes the key of `name`, at the given ISO time. Throws a sentence when there is none. */
export async function revokeKey(path: string, name: string, revokedAt: string, clock: Clock): Promise<void> {
  await change(path, clock, (keys) => replaced(keys, name, (key) => ({ ...key, revokedAt })))
}

function replaced(
  keys: readonly KeyRecord[],
  name: string,
  edit: (key: KeyRecord) => KeyRecord,
): readonly KeyRecord[] {
  const isIt = (key: KeyRecord): boolean => key.name === name && key.revokedAt === null
  if (!keys.some(isIt)) throw new Error(`There is no key for "${name}". See: exai key list`)
  return keys.map((key) => (isIt(key) ? edit(key) : key))
}

function assertRecord(record: KeyRecord): void {
  const checked = recordRule.safeParse(record)
  if (checked.success) return
  const [issue] = checked.error.issues
  throw new Error(`${String(issue?.path.join('.'))} ${issue?.message ?? 'is not valid'}.`)
}

// No rule of the file: one that was written before would let nobody in. A default of the config is not known here, and may change.
function assertTokens({ tokensPerMinute, tokensPerDay }: KeyTerms): void {
  if (tokensPerMinute === null || tokensPerDay === null || tokensPerMinute <= tokensPerDay) return
  throw new Error(
    `--tpm ${tokensPerMinute} is more than --tokens-per-day (${tokensPerDay}), so it could never be reached. Lower it, or raise --tokens-per-day.`,
  )
}

async function change(
  path: string,
  clock: Clock,
  edit: (keys: readonly KeyRecord[]) => readonly KeyRecord[],
): Promise<void> {
  const release = await lockFile(`${path}.lock`, clock)
  try {
    const keys = bounded(edit(await readKeyFile(path)))
    await fileAt(path).replace(`${JSON.stringify({ version: 1, keys }, null, 2)}\n`)
  } finally {
    await release()
  }
}

function bounded(keys: readonly KeyRecord[]): readonly KeyRecord[] {
  const revoked = keys.filter(({ revokedAt }) => revokedAt !== null)
  const oldestFirst = revoked.sort((a, b) => ((a.revokedAt ?? '') < (b.revokedAt ?? '') ? -1 : 1))
  const gone = new Set(oldestFirst.slice(0, Math.max(0, keys.length - keysMax)))
  return keys.filter((key) => !gone.has(key))
}

function fileAt(path: string): WholeFile {
  return new WholeFile(path, 'The file of keys')
}
