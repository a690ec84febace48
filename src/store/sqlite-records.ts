// Records over SQLite in two workers: the event loop never waits for a disk, and no write waits for a read. One worker writes. The
// other reads, one command at a time, and whoever asks takes turns with all others: however much one caller reads, another waits for one read
// of each. It ends when nobody has read for a while. Both start with the first request, so a server that nobody uses does not pay for
// them; that the file is sound is seen before, when it is opened.

import { dirname } from 'node:path'
import { systemClock, type Timer } from '../lib/clock.ts'
import { LaneQueue } from '../lib/lane-queue.ts'
import { makeFolder } from '../lib/make-folder.ts'
import type { Migration, Records, SqlCommand, SqlRow } from './records.ts'
import { SqliteFile } from './sqlite-file.ts'
import { storeFault, toPlainFault } from './store-fault.ts'
import { StoreThread, toFault } from './store-thread.ts'

/** Where and how; `path` may be `:memory:`. */
export interface SqliteRecordsOptions {
  readonly path: string
  readonly migrations: readonly Migration[]
  /** How long writes are collected into one transaction, in milliseconds; default 3. */
  readonly groupMs?: number
  /** How long to wait for another process that holds the file, in milliseconds; default 5,000. */
  readonly busyMs?: number
  /** Writes without an answer, and reads that wait; default 10,000 each. */
  readonly pendingMax?: number
  /** Reads of one reader that wait; default 1,000. */
  readonly readsMax?: number
  /** How long the reading thread stays when nobody reads, in milliseconds; default 10,000. */
  readonly idleMs?: number
}

const busyMsDefault = 5_000

interface WaitingRead {
  readonly command: SqlCommand
  resolve(rows: readonly SqlRow[]): void
  reject(error: unknown): void
}

/** Opens the file and brings its schema up to date. Rejects with a `StoreFault` that says what is wrong with it. */
export async function openSqliteRecords(options: SqliteRecordsOptions): Promise<Records> {
  const { path, migrations, busyMs = busyMsDefault } = options
  if (path !== ':memory:') {
    try {
      await makeFolder(dirname(path))
      // Here, and not in the worker: nobody is served yet, so nobody waits.
      new SqliteFile(path, migrations, busyMs).close()
    } catch (error) {
      throw toFault(toPlainFault(error, path))
    }
  }
  return new SqliteRecords(options)
}

class SqliteRecords implements Records {
  readonly #path: string
  readonly #readsMax: number
  readonly #pendingMax: number
  readonly #idleMs: number
  readonly #writer: StoreThread
  readonly #reader: StoreThread
  readonly #reads = new LaneQueue<WaitingRead>()
  #reading: Promise<void> | null = null
  #idleTimer: Timer | null = null
  #closing: Promise<void> | null = null

  constructor(options: SqliteRecordsOptions) {
    const { path, migrations, groupMs = 3, busyMs = busyMsDefault } = options
    const { pendingMax = 10_000, readsMax = 1_000, idleMs = 10_000 } = options
    this.#path = path
    this.#pendingMax = pendingMax
    this.#readsMax = readsMax
    this.#idleMs = idleMs
    this.#writer = new StoreThread({ path, migrations, groupMs, busyMs }, pendingMax)
    // What lives in memory is seen by its own connection alone.
    this.#reader =
      path === ':memory:' ? this.#writer : new StoreThread({ path, migrations: null, groupMs, busyMs }, 1)
  }

  warm(): void {
    if (this.#closing === null) this.#writer.warm()
  }

  async write(commands: readonly SqlCommand[]): Promise<number> {
    if (this.#closing !== null) throw storeFault('closed', this.#path)
    const answer = await this.#writer.ask({ kind: 'write', commands })
    return answer.kind === 'wrote' ? answer.changes : 0
  }

  async read(command: SqlCommand, reader: string): Promise<readonly SqlRow[]> {
    if (this.#closing !== null) throw storeFault('closed', this.#path)
    if (this.#reads.size >= this.#pendingMax || this.#reads.sizeOf(reader) >= this.#readsMax) {
      throw storeFault('too-many-reads', this.#path)
    }
    return await new Promise((resolve, reject) => {
      this.#reads.push(reader, { command, resolve, reject })
      this.#reading ??= this.#readAll()
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const { reject } of this.#reads.drain()) reject(storeFault('closed', this.#path))
    await this.#reading
    this.#idleTimer?.cancel()
    await this.#endReader()
    // Last: whoever closes last folds the log into the file.
    await this.#writer.end()
  }

  async #endReader(): Promise<void> {
    if (this.#reader === this.#writer) return
    try {
      await this.#reader.end()
    } catch {
      // A thread that only reads takes nothing with it when it dies.
    }
  }

  async #readAll(): Promise<void> {
    this.#idleTimer?.cancel()
    for (let next = this.#reads.take(anyone); next !== null; next = this.#reads.take(anyone)) {
      try {
        const answer = await this.#reader.ask({ kind: 'read', command: next.command })
        next.resolve(answer.kind === 'rows' ? answer.rows : [])
      } catch (error) {
        next.reject(error)
      }
    }
    this.#reading = null
    if (this.#closing === null) {
      this.#idleTimer = systemClock.after(this.#idleMs, () => void this.#endReader())
    }
  }
}

function anyone(): boolean {
  return true
}
