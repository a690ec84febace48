// `exai usage`: sums the ledger of a data folder, whether or not a server is running over it.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../config/config-error.ts'
import { Ledger, ledgerMigrations, type UsageDimension, type UsageLine } from '../ledger/ledger.ts'
import { PriceTable } from '../ledger/price-table.ts'
import { parseSince, sinceWords } from '../ledger/since.ts'
import { usageTable } from '../ledger/usage-table.ts'
import { systemClock } from '../lib/clock.ts'
import { dataFileName } from '../routing/open-desk.ts'
import { openSqliteRecords } from '../store/sqlite-records.ts'

/** What to sum. */
export interface UsageFlags {
  /** The folder in force. */
  readonly dataDir: string
  readonly by: string
  readonly since: string
  readonly json: boolean
}

const dimensions: readonly UsageDimension[] = ['client', 'principal', 'team', 'provider', 'model', 'tool']

/** Prints a table or JSON on stdout; resolves with the exit code. Rejects with an `Error` for a person. */
export async function printUsage({ dataDir, by, since, json }: UsageFlags): Promise<number> {
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
    process.stdout.write(`${json ? JSON.stringify(lines.map(toPlain)) : usageTable(lines, dimension)}\n`)
    return 0
  } finally {
    await records.close()
  }
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
