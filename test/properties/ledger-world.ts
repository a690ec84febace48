// A ledger over a data file, and a process that is killed while it writes one.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ledgerEntryOf } from '../../src/ledger/ledger-entry-of.ts'
import { holds, type Rooms, room } from './kit.ts'

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

/** Kills a writing process at some moment, and looks for every row that it said to be safe. */
export async function killOnce(rooms: Rooms, seed: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'exai-ledger-'))
  try {
    const path = join(folder, 'ledger.db')
    const script = join(import.meta.dirname, 'ledger-writer.ts')
    const child = spawn(process.execPath, [script, rooms.sources, path, '8'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const safe: string[] = []
    const enough = 30 + (seed % 40)
    for await (const line of createInterface({ input: child.stdout })) {
      safe.push(line)
      if (safe.length === enough) child.kill('SIGKILL')
    }
    // A line cut by the kill was never whole to anybody.
    const whole = safe.filter((id) => /^attempt-\d+-\d+$/.test(id))
    holds(whole.length >= enough - 1, `the process ended by itself after ${safe.length} rows`)
    const { ledger, records } = await openTestLedger(rooms, path)
    const rows = async (): Promise<Set<string>> => {
      const all = await records.read({ sql: 'SELECT attempt_id FROM ledger', values: [] }, 'a test')
      holds(new Set(all.map((row) => row.attempt_id)).size === all.length, 'an attempt has two rows')
      return new Set(all.map((row) => String(row.attempt_id)))
    }
    const kept = await rows()
    const lost = whole.filter((id) => !kept.has(id))
    holds(lost.length === 0, `${lost.length} of ${whole.length} rows that were said to be safe are lost`)
    await Promise.all(whole.map((id) => ledger.record(ledgerEntryOf(id))))
    holds((await rows()).size === kept.size, 'a replay counted twice')
    await records.close()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
