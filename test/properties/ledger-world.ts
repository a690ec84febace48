// A ledger over a data file, and entries to write into it.

import type { LedgerEntry } from '../../src/ledger/ledger-row.ts'
import { type Rooms, room } from './kit.ts'

const ledgers = room<typeof import('../../src/ledger/ledger.ts')>('ledger/ledger.ts')
const tables = room<typeof import('../../src/ledger/price-table.ts')>('ledger/price-table.ts')
const stores = room<typeof import('../../src/store/sqlite-records.ts')>('store/sqlite-records.ts')

/** Opens a ledger of the sources under test. */
export async function openTestLedger(rooms: Rooms, path = ':memory:', groupMs = 2) {
  const { Ledger, ledgerMigrations } = await rooms.load(ledgers)
  const { PriceTable } = await rooms.load(tables)
  const { openSqliteRecords } = await rooms.load(stores)
  const records = await openSqliteRecords({ path, migrations: ledgerMigrations, groupMs })
  const prices = new PriceTable(null)
  return { records, prices, ledger: new Ledger(records, prices) }
}

/** An entry with all its fields; what matters to a test comes in `over`. */
export function testEntry(attemptId: string, over: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    attemptId,
    callId: `call of ${attemptId}`,
    endedAtMs: Date.UTC(2026, 10, 22),
    principal: 'ada',
    team: null,
    client: 'window-1',
    tool: 'chat',
    provider: 'glm',
    model: 'glm-5.2',
    operation: 'generate',
    group: 'glm/main',
    keyName: 'glm/main#0',
    attempt: 1,
    outcome: 'done',
    isHedge: false,
    durationMs: 1000,
    firstPartMs: 100,
    usage: {
      inputTokens: 10,
      cachedInputTokens: 0,
      outputTokens: 10,
      reasoningTokens: 0,
      source: 'provider',
    },
    ...over,
  }
}
