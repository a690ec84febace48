// A ledger over a data file.

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
