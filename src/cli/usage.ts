// `exai usage`: sums the ledger of a data folder, and says what is left of quotas, whether or not a server is running over it.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type QuotaOwners, standingLines } from '../admission/quota-standing.ts'
import { quotasOf } from '../admission/quotas-of.ts'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/config-error.ts'
import { localPrincipal, type PrincipalName } from '../domain/ids.ts'
import { Ledger, ledgerMigrations, type UsageLine } from '../ledger/ledger.ts'
import { PriceTable } from '../ledger/price-table.ts'
import { parseSince, sinceWords } from '../ledger/since.ts'
import type { UsageDimension } from '../ledger/usage-sums.ts'
import { usageTable } from '../ledger/usage-table.ts'
import { systemClock } from '../lib/clock.ts'
import { keyFileName, readKeyFile } from '../principals/key-file.ts'
import { Budgets } from '../routing/budgets.ts'
import { dataFileName } from '../routing/open-desk.ts'
import { openSqliteRecords } from '../store/sqlite-records.ts'

/** What to sum. */
export interface UsageFlags {
  readonly config: Config
  readonly by: string
  readonly since: string
  readonly json: boolean
}

const dimensions: readonly UsageDimension[] = ['client', 'principal', 'team', 'provider', 'model', 'tool']

/** Prints a table or JSON on stdout; resolves with the exit code. Rejects with an `Error` for a person. */
export async function printUsage({ config, by, since, json }: UsageFlags): Promise<number> {
  const { dataDir } = config
  const dimension = dimensions.find((each) => each === by)
  if (dimension === undefined) {
    throw new ConfigError(`--by must be one of ${dimensions.join(', ')}; it is "${by}".`, true)
  }
  const sinceMs = parseSince(since, systemClock.wallMs())
  if (sinceMs === null) throw new ConfigError(`--since must be ${sinceWords}; it is "${since}".`, true)
  const path = join(dataDir, dataFileName)
  if (!existsSync(path)) throw new Error(`Nothing is recorded in ${dataDir} yet: no server has run there.`)
  const records = await openSqliteRecords({ path, migrations: ledgerMigrations })
  try {
    // Rows carry what they cost; no price is looked up here.
    const lines = await new Ledger(records, new PriceTable(null)).usage({ by: dimension, sinceMs })
    if (json) process.stdout.write(`${JSON.stringify(lines.map(toPlain))}\n`)
    else {
      const text = [usageTable(lines, dimension), ...(await whatIsLeft(config))]
      process.stdout.write(`${text.join('\n')}\n`)
    }
    return 0
  } finally {
    await records.close()
  }
}

// Of every key in force and every team they are of; a window's own quotas it may ask for itself.
async function whatIsLeft(config: Config): Promise<readonly string[]> {
  const { dataDir } = config
  const keys = (await readKeyFile(join(dataDir, keyFileName))).filter(({ revokedAt }) => revokedAt === null)
  const budgets = await Budgets.open({
    dataDir,
    clock: systemClock,
    quotasOf: (identity) =>
      quotasOf(identity, keys.find(({ name }) => name === identity.principal) ?? null, config),
    price: () => null,
    // Nothing is written here.
    onFault(error) {
      throw error
    },
  })
  const teams = new Set<string>()
  const isOpen = keys.length === 0 || config.auth.loopback === 'open'
  const people = [...keys, ...(isOpen ? [{ name: localPrincipal, team: null }] : [])]
  return people.flatMap(({ name, team }) => {
    const isFirst = team !== null && !teams.has(team)
    if (isFirst) teams.add(team)
    const caller = {
      team,
      principal: name as PrincipalName,
      client: null,
      label: name,
      root: null,
      isLocal: true,
    }
    const owners: QuotaOwners = { client: '', principal: name, team: `Team ${team ?? ''}` }
    return standingLines(
      budgets.standing(caller).filter(({ scope }) => scope !== 'team' || isFirst),
      owners,
    )
  })
}

// JSON has no whole numbers beyond 2^53: amounts are text, tokens are far below.
function toPlain(line: UsageLine): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(line).map(([key, value]) => {
      if (typeof value !== 'bigint') return [key, value]
      return [key, key.endsWith('NanoUsd') ? String(value) : Number(value)]
    }),
  )
}
