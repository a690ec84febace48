// One SQLite file and its schema: opened in WAL mode, brought up to date room by room, written in groups, or only read. Runs where it may
// block: in a worker.

import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { BoundedMap } from '../lib/bounded-map.ts'
import { makePrivateFile } from './private-file.ts'
import type { Migration, SqlCommand, SqlRow } from './records.ts'
import { storeFault } from './store-fault.ts'

const statementsMax = 128

/** What one write of a group came to. */
export type WriteResult =
  | { readonly kind: 'done'; readonly changes: number }
  | { readonly kind: 'threw'; readonly error: unknown }

/** An open file. Everything here blocks, and throws what SQLite throws. */
export class SqliteFile {
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #statements = new BoundedMap<string, StatementSync>(statementsMax)

  /**
   * Its folder must be there. `migrations`: null where nothing will be written. `busyMs`: how long another process may hold the file
   * before a write fails.
   */
  constructor(path: string, migrations: readonly Migration[] | null, busyMs: number) {
    this.#path = path
    if (path !== ':memory:') makePrivateFile(path)
    this.#database = new DatabaseSync(path, { timeout: busyMs })
    try {
      // NORMAL: what is committed outlives a killed process, whatever kills it. FULL would also outlive a power cut, at the price of
      // a sync for every group, and every answer waits for its row: on a busy disk that was seen to take over a second.
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
      if (migrations === null) this.#database.exec('PRAGMA query_only = ON')
      else this.#migrate(migrations)
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  /** Writes a group in one transaction for all. A member that fails is undone alone. Throws if none is safe. */
  writeGroup(group: readonly (readonly SqlCommand[])[]): readonly WriteResult[] {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const results = group.map((commands) => this.#writeOne(commands))
      this.#database.exec('COMMIT')
      return results
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  /** Rows; integers as bigint. */
  read({ sql, values }: SqlCommand): readonly SqlRow[] {
    return this.#statement(sql).all(...values) as SqlRow[]
  }

  /** Closes; SQLite then folds the log into the file. */
  close(): void {
    this.#database.close()
  }

  #writeOne(commands: readonly SqlCommand[]): WriteResult {
    this.#database.exec('SAVEPOINT one')
    try {
      let changes = 0
      for (const { sql, values } of commands) changes += Number(this.#statement(sql).run(...values).changes)
      this.#database.exec('RELEASE one')
      return { kind: 'done', changes }
    } catch (error) {
      // A full disk or a lost lock may have undone the whole transaction already; then all of the group failed.
      if (!this.#database.isTransaction) throw error
      this.#database.exec('ROLLBACK TO one; RELEASE one')
      return { kind: 'threw', error }
    }
  }

  #statement(sql: string): StatementSync {
    return this.#statements.getOrCreate(sql, () => {
      const statement = this.#database.prepare(sql)
      statement.setReadBigInts(true)
      return statement
    })
  }

  #migrate(migrations: readonly Migration[]): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      this.#database.exec(
        'CREATE TABLE IF NOT EXISTS schema_versions (room TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT',
      )
      const at = new Map(
        this.read({ sql: 'SELECT room, version FROM schema_versions', values: [] }).map(
          ({ room, version }) => [String(room), Number(version)],
        ),
      )
      for (const [room, version] of at) {
        const known = Math.max(
          0,
          ...migrations.filter((each) => each.room === room).map((each) => each.version),
        )
        if (known > 0 && version > known)
          throw storeFault('newer', this.#path, `${room} ${version} > ${known}`)
      }
      for (const { room, version, sql } of [...migrations].sort((a, b) => a.version - b.version)) {
        if (version <= (at.get(room) ?? 0)) continue
        this.#database.exec(sql)
        this.#database
          .prepare(
            'INSERT INTO schema_versions VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET version = excluded.version',
          )
          .run(room, version)
      }
      this.#database.exec('COMMIT')
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }
}
