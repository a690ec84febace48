// Builds what jobs run through, once: the data file, the ledger over it, the router that records there, and the desk before it.

import { join } from 'node:path'
import type { PrincipalName } from '../domain/ids.ts'
import { Ledger, ledgerMigrations } from '../ledger/ledger.ts'
import { type PriceLine, PriceTable } from '../ledger/price-table.ts'
import { type RowEvent, RowKeeper } from '../ledger/row-keeper.ts'
import type { Clock } from '../lib/clock.ts'
import { ClockWatch } from '../lib/clock-watch.ts'
import { duration } from '../lib/in-words.ts'
import type { Random } from '../lib/random.ts'
import type { Migration, Records } from '../store/records.ts'
import { openSqliteRecords } from '../store/sqlite-records.ts'
import type { BreakerLimits } from './breaker.ts'
import { Budgets, type BudgetsOptions } from './budgets.ts'
import { type CallTimes, longestCallMs } from './call-times.ts'
import { DayCounts } from './day-counts.ts'
import { JobDesk, type SharingOptions } from './job-desk.ts'
import { toLedgerEntry } from './ledger-entry.ts'
import type { ModelNames } from './model-names.ts'
import type { RetryLimits } from './retry-limits.ts'
import type { ConfiguredProvider } from './route.ts'
import { Router, type RouterOptions } from './router.ts'

/** The file in the data folder that holds all records. */
export const dataFileName = 'exai.db'

/** What an operator sets about jobs. */
export interface DeskSettings {
  readonly dataDir: string
  readonly cache: SharingOptions
  readonly models: ModelNames & {
    readonly hedge: false | { readonly afterMs: number; readonly sharePercent: number }
  }
  /** Prices that win over ours. */
  readonly prices: readonly PriceLine[]
  readonly retries: RetryLimits
  readonly breaker: BreakerLimits
  readonly limits: CallTimes
}

/** Collaborators. */
export interface DeskRooms
  extends Omit<
    RouterOptions,
    'names' | 'hedge' | 'retries' | 'breaker' | 'longestCallMs' | 'record' | 'budgets'
  > {
  readonly clock: Clock
  readonly random: Random
  /** Of other rooms that keep rows in the same file. */
  readonly migrations: readonly Migration[]
  onRows(event: RowEvent): void
  /** A row of this principal is in the ledger. */
  onUsed(principal: PrincipalName): void
  quotasOf: BudgetsOptions['quotasOf']
  /** For the log: what was spent could not be written, and the next job tries again; or the clock was put back. */
  onFault(error: Error): void
}

/** Everything jobs need. Whoever opens it destroys `jobs`, then calls `close`. */
export interface OpenDesk {
  readonly router: Router
  readonly jobs: JobDesk
  readonly ledger: Ledger
  readonly budgets: Budgets
  readonly records: Records
  /** Resolves when everything counted and recorded is on disk. */
  close(): Promise<void>
  /** Leaves the files of counts to another process, until the answered function is called. Rows go on being written. */
  rest(): Promise<() => void>
}

/** Opens the files and builds the rest. Rejects with a `StoreFault` that says what is wrong with the file. */
export async function openDesk(
  providers: readonly ConfiguredProvider[],
  { dataDir, cache, models, prices, retries, breaker, limits }: DeskSettings,
  { onRows, onUsed, quotasOf, onFault, migrations, ...rooms }: DeskRooms,
): Promise<OpenDesk> {
  const { clock, random } = rooms
  const records = await openSqliteRecords({
    path: join(dataDir, dataFileName),
    migrations: [...ledgerMigrations, ...migrations],
  })
  const ledger = new Ledger(records, priceTable(prices))
  const record: Ledger['record'] = async (entry) => {
    const cost = await ledger.record(entry)
    onUsed(entry.principal as PrincipalName)
    return cost
  }
  const rows = new RowKeeper({ ledger: { record }, clock, emit: onRows })
  const budgets = await Budgets.open({
    dataDir,
    clock,
    quotasOf,
    price: (work, usage, atMs) => ledger.price(work, usage, atMs),
    onFault,
  }).catch((error: unknown) => closeAndThrow(records, error))
  const dayCounts = await DayCounts.open(providers, { dataDir, onFault }).catch((error: unknown) =>
    closeAndThrow(records, error),
  )
  const watch = new ClockWatch((byMs) => {
    const sentence = `The clock of this machine was put back by ${duration(byMs)}. What was counted stays counted: today's and this month's quotas go on with what was spent by the clock that was ahead.`
    onFault(new Error(sentence))
  })
  watch.saw(Math.max(budgets.writtenAtMs, dayCounts.writtenAtMs))
  watch.saw(clock.wallMs())
  const { hedge } = models
  const router = new Router(providers, {
    ...rooms,
    budgets,
    names: models,
    retries,
    breaker,
    longestCallMs: longestCallMs(limits),
    hedge: hedge === false ? null : { afterMs: hedge.afterMs, share: hedge.sharePercent / 100 },
    record: (attempt) => {
      watch.saw(attempt.end.endedAtMs)
      return rows.record(toLedgerEntry(attempt))
    },
  })
  const onWork = (): void => records.warm()
  const jobs = new JobDesk({ clock, random, router, ledger, rows, onWork, sharing: cache })
  const close = async (): Promise<void> => {
    await Promise.all([records.close(), budgets.close(), dayCounts.close()])
  }
  const rest = async (): Promise<() => void> => {
    const wakes = await Promise.all([budgets.rest(), dayCounts.rest()])
    return () => {
      for (const wake of wakes) wake()
    }
  }
  return { router, jobs, ledger, budgets, records, close, rest }
}

async function closeAndThrow(records: Records, error: unknown): Promise<never> {
  await records.close()
  throw error
}

function priceTable(prices: readonly PriceLine[]): PriceTable {
  return new PriceTable(prices.length === 0 ? null : { version: 'operator', prices })
}
