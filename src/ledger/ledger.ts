// The ledger: one row per attempt, priced when it is written, never changed. `record` resolves when the row is safe on disk; so a result
// that waited for it is never written to a client without its row, whatever kills the process.

import { CallFailure } from '../domain/failure.ts'
import { attemptTokensMax } from '../domain/token-count.ts'
import type { Migration, Records, SqlRow, SqlValue } from '../store/records.ts'
import { StoreFault } from '../store/store-fault.ts'
import { costNanoUsd, tokens } from './cost.ts'
import type { LedgerEntry, LedgerUsage } from './ledger-row.ts'
import type { PricedWork, PriceTable } from './price-table.ts'
import { type UsageQuery, usageCommand, usageSumsMigration } from './usage-sums.ts'

/** The ledger's tables. */
export const ledgerMigrations: readonly Migration[] = [
  {
    room: 'ledger',
    version: 1,
    sql: `CREATE TABLE ledger (
      attempt_id TEXT PRIMARY KEY, call_id TEXT NOT NULL, ended_at_ms INTEGER NOT NULL,
      principal TEXT NOT NULL, team TEXT, client TEXT, tool TEXT NOT NULL,
      provider TEXT NOT NULL, model TEXT, quota_group TEXT NOT NULL, key_name TEXT NOT NULL,
      attempt INTEGER NOT NULL, outcome TEXT NOT NULL, is_hedge INTEGER NOT NULL,
      duration_ms INTEGER NOT NULL, first_part_ms INTEGER,
      usage_source TEXT NOT NULL, input_tokens INTEGER NOT NULL, cached_input_tokens INTEGER NOT NULL,
      output_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
      cost_nano_usd INTEGER NOT NULL, saved_nano_usd INTEGER NOT NULL, price_version TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX ledger_by_time ON ledger (ended_at_ms);
    CREATE INDEX ledger_by_principal ON ledger (principal, ended_at_ms);`,
  },
  // Rows of before have none: what they were asked for is known by their model alone.
  { room: 'ledger', version: 2, sql: 'ALTER TABLE ledger ADD COLUMN operation TEXT' },
  // Null: one, where it is paid by the search.
  { room: 'ledger', version: 3, sql: 'ALTER TABLE ledger ADD COLUMN searches INTEGER' },
  usageSumsMigration,
]

/** One line of usage. Failed and lost attempts are in every sum: they cost too. What the cache answered is in no sum but its own. */
export interface UsageLine {
  /** null: rows without that dimension, such as callers without a team. */
  readonly name: string | null
  /** Names whose usage is summed here; 1 but for the line of those who got none of their own. */
  readonly names: number
  /** null where several names are summed: a call may stand under two. */
  readonly calls: number | null
  readonly attempts: number
  readonly failedAttempts: number
  readonly cachedAnswers: number
  /** Attempts whose tokens are our estimate. */
  readonly estimatedAttempts: number
  readonly inputTokens: bigint
  readonly cachedInputTokens: bigint
  readonly outputTokens: bigint
  readonly costNanoUsd: bigint
  readonly savedNanoUsd: bigint
}

// A million dollars: sums of many such rows still fit the file's integers.
const rowNanoUsdMax = 10n ** 15n

/** The ledger over the records. Errors: `StoreFault`. */
export class Ledger {
  readonly #records: Records
  readonly #prices: PriceTable

  constructor(records: Records, prices: PriceTable) {
    this.#records = records
    this.#prices = prices
  }

  /**
   * Writes one row and resolves when it is safe. The same attempt again changes nothing. Answers its cost in nano-dollars. Counts and
   * money beyond reason are written as the largest there are: a row the file cannot hold would be no row at all.
   */
  async record(entry: LedgerEntry): Promise<bigint> {
    const price = this.#prices.at(entry, entry.endedAtMs)
    const usage = bounded(entry.usage)
    const isFree = entry.outcome === 'cached' || usage.source === 'none' || price === null
    const cost = isFree ? 0n : boundedMoney(costNanoUsd(usage, price))
    const row = toColumns({ ...entry, usage }, cost, price?.version ?? null)
    const names = Object.keys(row)
    await this.#records.write([
      {
        sql: `INSERT INTO ledger (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) ON CONFLICT (attempt_id) DO NOTHING`,
        values: Object.values(row),
      },
    ])
    return cost
  }

  /** What an attempt at these tokens costs now, before it is made; null: unknown. */
  price(work: PricedWork, usage: Parameters<typeof costNanoUsd>[0], atMs: number): bigint | null {
    const price = this.#prices.at(work, atMs)
    return price === null ? null : costNanoUsd(usage, price)
  }

  /** Sums, dearest first; the last line may be of several names. */
  async usage(query: UsageQuery): Promise<readonly UsageLine[]> {
    try {
      return (await this.#records.read(usageCommand(query), query.principal ?? '')).map(toLine)
    } catch (error) {
      if (!(error instanceof StoreFault && error.trouble === 'too-many-reads')) throw error
      throw new CallFailure('overloaded', { message: error.message, retryable: true, cause: error })
    }
  }
}

function toColumns(entry: LedgerEntry, cost: bigint, priceVersion: string | null): Record<string, SqlValue> {
  const { usage } = entry
  return {
    attempt_id: entry.attemptId,
    call_id: entry.callId,
    ended_at_ms: Math.round(entry.endedAtMs),
    principal: entry.principal,
    team: entry.team,
    client: entry.client,
    tool: entry.tool,
    provider: entry.provider,
    model: entry.model,
    operation: entry.operation,
    quota_group: entry.group,
    key_name: entry.keyName,
    attempt: entry.attempt,
    outcome: entry.outcome,
    is_hedge: entry.isHedge ? 1 : 0,
    duration_ms: Math.round(entry.durationMs),
    first_part_ms: entry.firstPartMs === null ? null : Math.round(entry.firstPartMs),
    usage_source: usage.source,
    input_tokens: tokens(usage.inputTokens),
    cached_input_tokens: tokens(usage.cachedInputTokens),
    output_tokens: tokens(usage.outputTokens),
    reasoning_tokens: tokens(usage.reasoningTokens),
    searches: usage.searches ?? null,
    cost_nano_usd: cost,
    saved_nano_usd: boundedMoney(entry.savedNanoUsd ?? 0n),
    price_version: priceVersion,
  }
}

function bounded(usage: LedgerUsage): LedgerUsage {
  return {
    ...usage,
    inputTokens: Math.min(usage.inputTokens, attemptTokensMax),
    cachedInputTokens: Math.min(usage.cachedInputTokens, attemptTokensMax),
    outputTokens: Math.min(usage.outputTokens, attemptTokensMax),
    reasoningTokens: Math.min(usage.reasoningTokens, attemptTokensMax),
  }
}

function boundedMoney(nanoUsd: bigint): bigint {
  return nanoUsd < rowNanoUsdMax ? nanoUsd : rowNanoUsdMax
}

function toLine(row: SqlRow): UsageLine {
  const names = Number(row.names)
  return {
    name: row.name === null || row.name === undefined ? null : String(row.name),
    names,
    calls: names > 1 ? null : Number(row.calls),
    attempts: Number(row.attempts),
    failedAttempts: Number(row.failed_attempts),
    cachedAnswers: Number(row.cached_answers),
    estimatedAttempts: Number(row.estimated_attempts),
    inputTokens: toBigInt(row.input_tokens),
    cachedInputTokens: toBigInt(row.cached_input_tokens),
    outputTokens: toBigInt(row.output_tokens),
    costNanoUsd: toBigInt(row.cost),
    savedNanoUsd: toBigInt(row.saved),
  }
}

function toBigInt(value: SqlValue | undefined): bigint {
  return typeof value === 'bigint' ? value : 0n
}
