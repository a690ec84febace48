// `exai key add|list|revoke`: who may call, with which share and limits. A running server takes up every change within a second. The
// key itself is shown once, on stdout, within the whole line for that person's Claude Code; nobody can show it again.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { advertisedUrl, isReachable, reachWarnings } from '../config/reach.ts'
import type { Clock } from '../lib/clock.ts'
import { mintKey } from '../principals/api-key.ts'
import { addKey, type KeyRecord, keyFileName, readKeyFile, revokeKey } from '../principals/key-file.ts'
import { connectLine } from './connect-line.ts'

/** Flags of `exai key add`, as typed. */
export interface KeyFlags {
  readonly team?: string
  readonly weight?: string
  readonly rpm?: string
  readonly tpm?: string
  readonly tokensPerDay?: string
  readonly budget?: string
  readonly operator?: boolean
}

const tokensMax = 1_000_000_000_000

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
    team: flags.team ?? null,
    weight: number('--weight', flags.weight, 0.01, 1000) ?? 1,
    requestsPerMinute: number('--rpm', flags.rpm, 1, 1_000_000),
    tokensPerMinute: number('--tpm', flags.tpm, 1, tokensMax),
    tokensPerDay: number('--tokens-per-day', flags.tokensPerDay, 1, tokensMax),
    budgetUsdPerMonth: number('--budget', flags.budget, 0, 1_000_000),
    scope: flags.operator === true ? 'operator' : 'use',
    digest,
    createdAt: new Date(clock.wallMs()).toISOString(),
    revokedAt: null,
  }
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
  const path = join(config.dataDir, keyFileName)
  const isFirst = (await readKeyFile(path)).length === 0
  await addKey(path, record, clock)
  const url = advertisedUrl(config, config.listen.mcp)
  process.stderr.write(
    [
      `The key of ${name}. It is shown this once: give the line below to ${name}, who pastes it in a project.`,
      ...(isFirst ? [firstKeyNote(config)] : []),
      ...(record.team !== null && config.teams[record.team] === undefined
        ? [
            `Note: team ${record.team} has no limits of its own; teams.${record.team} in exai.yaml would set some.`,
          ]
        : []),
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
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
  await revokeKey(join(config.dataDir, keyFileName), name, new Date(clock.wallMs()).toISOString(), clock)
  process.stderr.write(
    `The key of ${name} is revoked. A running server closes its connections and stops its calls within a second.\n`,
  )
  return 0
}

function orDefault(limit: number | null): string {
  return limit === null ? 'default' : String(limit)
}

function firstKeyNote({ auth }: Config): string {
  return auth.loopback === 'open'
    ? 'This is the first key: from now on callers from other computers send one.'
    : 'This is the first key: from now on everybody sends one, on this computer too (auth.loopback: open would change that).'
}

function number(flag: string, text: string | undefined, min: number, max: number): number | null {
  if (text === undefined) return null
  const value = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new Error(`${flag} must be a number from ${min} to ${max}; it is "${text.slice(0, 40)}".`)
}
