// The store on real files: durable, grouped, honest about what is wrong.

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Migration } from './records.ts'
import { openSqliteRecords } from './sqlite-records.ts'

const first: Migration = {
  room: 'birds',
  version: 1,
  sql: 'CREATE TABLE birds (name TEXT PRIMARY KEY, weight INTEGER NOT NULL) STRICT',
}
const insert = (name: string, weight: number | bigint = 1) => ({
  sql: 'INSERT INTO birds (name, weight) VALUES (?, ?)',
  values: [name, weight],
})
const all = { sql: 'SELECT name, weight FROM birds ORDER BY name', values: [] }

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'exai-store-'))
  path = join(folder, 'data', 'records.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function modesIn(inside: string): Record<string, number> {
  return Object.fromEntries(
    readdirSync(inside).map((name) => [name, statSync(join(inside, name)).mode & 0o777]),
  )
}

describe('records', () => {
  it('are there after a restart, with integers beyond 53 bits', async () => {
    const records = await openSqliteRecords({ path, migrations: [first] })
    expect(await records.write([insert('wren', 2n ** 62n), insert('tit')])).toBe(2)
    await records.close()
    const again = await openSqliteRecords({ path, migrations: [first] })
    expect(await again.read(all, 'ada')).toEqual([
      { name: 'tit', weight: 1n },
      { name: 'wren', weight: 2n ** 62n },
    ])
    await again.close()
  })

  it('of one write are all kept or none, and a failed write harms no other of its group', async () => {
    const records = await openSqliteRecords({ path, migrations: [first], groupMs: 5 })
    const results = await Promise.allSettled([
      records.write([insert('wren')]),
      records.write([insert('tit'), insert('wren')]),
      records.write([insert('owl')]),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { name: 'StoreFault', trouble: 'conflict' } })
    expect((await records.read(all, 'ada')).map(({ name }) => name)).toEqual(['owl', 'wren'])
    await records.close()
  })

  it('are for their owner alone, also in a folder that others may enter', async () => {
    const open = join(folder, 'open')
    mkdirSync(open)
    chmodSync(open, 0o755)
    const records = await openSqliteRecords({ path: join(open, 'records.db'), migrations: [first] })
    await records.write([insert('wren')])
    expect(modesIn(open)).toEqual({
      'records.db': 0o600,
      'records.db-shm': 0o600,
      'records.db-wal': 0o600,
    })
    await records.close()
    const inOurs = await openSqliteRecords({ path, migrations: [first] })
    expect(modesIn(folder)).toMatchObject({ data: 0o700 })
    await inOurs.close()
  })

  it('are closed to others at the next start where they once were not, the companions of a killed process too', async () => {
    mkdirSync(join(folder, 'data'))
    const old = new DatabaseSync(path)
    old.exec('PRAGMA journal_mode = WAL; CREATE TABLE old (x)')
    const names = ['records.db', 'records.db-shm', 'records.db-wal']
    for (const name of names) chmodSync(join(folder, 'data', name), 0o644)
    const records = await openSqliteRecords({ path, migrations: [first] })
    expect(modesIn(join(folder, 'data'))).toEqual(Object.fromEntries(names.map((name) => [name, 0o600])))
    expect(await records.write([insert('wren')])).toBe(1)
    await records.close()
    old.close()
  })

  it('move to a newer schema, and refuse a file that is newer than the program', async () => {
    const second: Migration = { room: 'birds', version: 2, sql: 'ALTER TABLE birds ADD COLUMN song TEXT' }
    const old = await openSqliteRecords({ path, migrations: [first] })
    await old.write([insert('wren')])
    await old.close()
    const young = await openSqliteRecords({ path, migrations: [first, second] })
    expect(await young.read({ sql: 'SELECT name, song FROM birds', values: [] }, 'ada')).toEqual([
      { name: 'wren', song: null },
    ])
    await young.close()
    await expect(openSqliteRecords({ path, migrations: [first] })).rejects.toMatchObject({ trouble: 'newer' })
  })

  it('say what is wrong with the file', async () => {
    const rubbish = join(folder, 'rubbish.db')
    writeFileSync(rubbish, 'this is no database, whatever its name says. '.repeat(100))
    await expect(openSqliteRecords({ path: rubbish, migrations: [first] })).rejects.toMatchObject({
      trouble: 'corrupt',
      message: expect.stringContaining('damaged'),
    })
    writeFileSync(join(folder, 'file'), '')
    await expect(
      openSqliteRecords({ path: join(folder, 'file', 'records.db'), migrations: [first] }),
    ).rejects.toMatchObject({ name: 'StoreFault' })
  })

  it('wait for another process that holds the file, then say so', async () => {
    const records = await openSqliteRecords({ path, migrations: [first], busyMs: 200 })
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const waiting = records.write([insert('wren')])
    await expect(waiting).rejects.toMatchObject({
      trouble: 'busy',
      message: expect.stringContaining('second server'),
    })
    other.exec('COMMIT')
    other.close()
    expect(await records.write([insert('wren')])).toBe(1)
    await records.close()
  })

  it('say that the disk is full, and go on when it is not any more', async () => {
    const records = await openSqliteRecords({ path, migrations: [first] })
    await records.write([{ sql: 'PRAGMA max_page_count = 6', values: [] }])
    const large = insert('x'.repeat(60_000))
    await expect(records.write([large])).rejects.toMatchObject({ trouble: 'full' })
    await records.write([{ sql: 'PRAGMA max_page_count = 100000', values: [] }])
    expect(await records.write([large])).toBe(1)
    await records.close()
  })

  it('bound what waits, and refuse after they are closed', async () => {
    const records = await openSqliteRecords({ path, migrations: [first], pendingMax: 2 })
    const kept = [records.write([insert('wren')]), records.write([insert('tit')])]
    await expect(records.write([insert('owl')])).rejects.toMatchObject({ trouble: 'overloaded' })
    await Promise.all(kept)
    await records.close()
    await expect(records.read(all, 'ada')).rejects.toMatchObject({ trouble: 'closed' })
  })

  // Numbers, counted one by one: some tens of milliseconds of work for whoever reads.
  const slow = {
    sql: 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT count(*) AS n FROM n',
    values: [],
  }

  it('are written within their time beside reads without end', async () => {
    const records = await openSqliteRecords({ path, migrations: [first] })
    await records.write([insert('wren')])
    let isOver = false
    let reads = 0
    const readers = [1, 2, 3, 4].map(async () => {
      while (!isOver) {
        await records.read(slow, 'ada')
        reads++
      }
    })
    while (reads < 4) await new Promise((resolve) => setImmediate(resolve))
    const before = reads
    for (const name of ['tit', 'owl', 'jay']) {
      await records.write([insert(name)])
      expect((await records.read(all, 'bob')).map((row) => row.name)).toContain(name)
    }
    isOver = true
    // Each write waits for no read, each read for one of theirs. The rest is what a busy machine may need.
    expect(reads - before).toBeLessThan(60)
    await Promise.all(readers)
    await records.close()
  })

  it('are read in turns: who asks once waits for one read of whoever asks without end', async () => {
    const records = await openSqliteRecords({ path, migrations: [first] })
    const order: string[] = []
    const read = (reader: string): Promise<unknown> =>
      records.read(all, reader).then(() => order.push(reader))
    const greedy = Array.from({ length: 50 }, () => read('ada'))
    await Promise.all([...greedy, read('bob'), read('eve'), read('bob')])
    expect(order.slice(0, 6)).toEqual(['ada', 'ada', 'bob', 'eve', 'ada', 'bob'])
    await records.close()
  })

  it('bound what one reader waits for, and refuse no other for it', async () => {
    const records = await openSqliteRecords({ path, migrations: [first], readsMax: 2 })
    // One is read, two wait.
    const kept = [1, 2, 3].map(() => records.read(all, 'ada'))
    await expect(records.read(all, 'ada')).rejects.toMatchObject({
      trouble: 'too-many-reads',
      message: expect.stringContaining('Ask again'),
    })
    expect(await records.read(all, 'bob')).toEqual([])
    await Promise.all(kept)
    expect(await records.read(all, 'ada')).toEqual([])
    await records.close()
  })

  it('cannot be changed by a read', async () => {
    const records = await openSqliteRecords({ path, migrations: [first] })
    await expect(records.read(insert('wren'), 'ada')).rejects.toMatchObject({ trouble: 'read-only' })
    expect(await records.read(all, 'ada')).toEqual([])
    await records.close()
  })

  it('are read again after their reader has rested, and leave one file when they are closed', async () => {
    const records = await openSqliteRecords({ path, migrations: [first], idleMs: 1 })
    for (const name of ['wren', 'tit']) {
      await records.write([insert(name)])
      expect((await records.read(all, 'ada')).map((row) => row.name)).toContain(name)
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    const unread = Promise.allSettled([records.read(all, 'ada'), records.read(all, 'ada')])
    await Promise.all([records.close(), records.close()])
    expect((await unread).map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(readdirSync(join(folder, 'data'))).toEqual(['records.db'])
  })
})
