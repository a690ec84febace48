// `exai key add|set|list|revoke`: who may call, with which share and limits. A running server takes up every change within a second. The
// key itself is shown once, on stdout, within the whole line for that person's Claude Code; nobody can show it again.

import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { makeDataFolder } from '../config/data-folder.ts'
import { advertisedUrl, isReachable, reachWarnings } from '../config/reach.ts'
import type { Clock } from '../lib/clock.ts'
import { ownValue } from '../lib/own-value.ts'
import { mintKey } from '../principals/api-key.ts'
import {
  addKey,
  changeKey,
  type KeyRecord,
  keyFileName,
  readKeyFile,
  revokeKey,
} from '../principals/key-file.ts'
import { connectLine } from './connect-line.ts'
import { type KeyTermFlags, ordinaryTerms, parseKeyTerms } from './key-terms.ts'

/** Flags of `exai key add`, as typed. */
export interface KeyFlags extends KeyTermFlags {
  readonly operator?: boolean
}

/** Where the command runs. */
export interface KeyPlace {
  readonly config: Config
  readonly clock: Clock
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute path of our `bin/exai.js`. */
  readonly launcher: string
}

/** Makes a key, keeps its digest and shows it. Rejects with a sentence for a person. */
export async function addKeyCommand(name: string, flags: KeyFlags, place: KeyPlace): Promise<number> {
  const { config, clock } = place
  const { key, digest } = mintKey()
  const record: KeyRecord = {
    name,
    ...ordinaryTerms,
    ...parseKeyTerms(flags),
    scope: flags.operator === true ? 'operator' : 'use',
    digest,
    createdAt: new Date(clock.wallMs()).toISOString(),
    revokedAt: null,
  }
  await makeDataFolder(config.dataDir)
  const path = join(config.dataDir, keyFileName)
  const isFirst = (await readKeyFile(path)).length === 0
  await addKey(path, record, clock)
  const url = advertisedUrl(config, config.listen.mcp)
  process.stderr.write(
    [
      `The key of ${name}. It is shown this once: give the line below to ${name}, who pastes it in a project.`,
      ...(isFirst ? [firstKeyNote(config)] : []),
      ...teamNotes(config, record.team),
      ...reachWarnings(config).map((warning) => `Note: ${warning}`),
      '',
      '',
    ].join('\n'),
  )
  const isElsewhere = config.publicUrl !== null || isReachable(config)
  const line = connectLine({ url, launcher: place.launcher, env: place.env, key, isElsewhere })
  process.stdout.write(`${line}\n`)
  return 0
}

/** Changes a key's team, share or limits; whoever holds it goes on with it. Rejects with a sentence for a person. */
export async function setKeyCommand(
  name: string,
  flags: KeyTermFlags,
  { config, clock }: Pick<KeyPlace, 'config' | 'clock'>,
): Promise<number> {
  const terms = parseKeyTerms(flags)
  if (Object.keys(terms).length === 0) {
    throw new Error(
      'Nothing is to be changed. Give at least one of --team, --weight, --rpm, --tpm, --tokens-per-day and --budget.',
    )
  }
  await makeDataFolder(config.dataDir)
  await changeKey(join(config.dataDir, keyFileName), name, terms, clock)
  process.stderr.write(
    [
      `The key of ${name} is changed, and stays the key it is. A running server heeds it within a second: limits, budget and team for the next call, the weight for what waits too.`,
      ...teamNotes(config, terms.team ?? null),
      '',
    ].join('\n'),
  )
  return 0
}

/** Prints every key there is or was, without anything of the keys themselves. */
export async function listKeysCommand({ config }: Pick<KeyPlace, 'config'>): Promise<number> {
  const keys = await readKeyFile(join(config.dataDir, keyFileName))
  if (keys.length === 0) {
    process.stdout.write('There are no keys: everybody on this computer may call, and nobody else.\n')
    return 0
  }
  const rows = [
    [
      'NAME',
      'TEAM',
      'WEIGHT',
      'A MINUTE',
      'TOKENS A MINUTE',
      'TOKENS A DAY',
      'USD A MONTH',
      'SCOPE',
      'SINCE',
      'STATE',
    ],
    ...keys.map((key) => [
      key.name,
      key.team ?? '-',
      String(key.weight),
      orDefault(key.requestsPerMinute),
      orDefault(key.tokensPerMinute),
      orDefault(key.tokensPerDay),
      key.budgetUsdPerMonth === null ? 'unlimited' : String(key.budgetUsdPerMonth),
      key.scope,
      key.createdAt.slice(0, 10),
      key.revokedAt === null ? 'in force' : `revoked ${key.revokedAt.slice(0, 10)}`,
    ]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  for (const row of rows) {
    process.stdout.write(
      `${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    )
  }
  return 0
}

/** Revokes a key. Rejects with a sentence when there is none of that name. */
export async function revokeKeyCommand(
  name: string,
  { config, clock }: Pick<KeyPlace, 'config' | 'clock'>,
): Promise<number> {
  await makeDataFolder(config.dataDir)
  await revokeKey(join(config.dataDir, keyFileName), name, new Date(clock.wallMs()).toISOString(), clock)
  process.stderr.write(
    `The key of ${name} is revoked. A running server closes its connections and stops its calls within a second.\n`,
  )
  return 0
}

function orDefault(limit: number | null): string {
  return limit === null ? 'default' : String(limit)
}

function teamNotes({ teams }: Config, team: string | null): readonly string[] {
  if (team === null || ownValue(teams, team) !== undefined) return []
  return [`Note: team ${team} has no limits of its own; teams.${team} in exai.yaml would set some.`]
}

function firstKeyNote({ auth }: Config): string {
  return auth.loopback === 'open'
    ? 'This is the first key: from now on callers from other computers send one.'
    : 'This is the first key: from now on everybody sends one, on this computer too (auth.loopback: open would change that).'
}
