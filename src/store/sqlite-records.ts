// Records over SQLite in a worker: the event loop never waits for a disk. Bounded: more than so many unanswered requests are refused. A
// worker that dies takes its unanswered requests with it, each told so, and the next request starts another. The first one starts with
// the first request, so a server that nobody uses does not pay for it; that the file is sound is seen before, when it is opened.

import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { makeFolder } from '../lib/make-folder.ts'
import { siblingModule } from '../lib/sibling-module.ts'
import type { Migration, Records, SqlCommand, SqlRow } from './records.ts'
import { SqliteFile } from './sqlite-file.ts'
import type { SqliteWorkerData, StoreReply, StoreRequest } from './sqlite-worker.ts'
import { StoreFault, storeFault, toPlainFault } from './store-fault.ts'

/** Where and how; `path` may be `:memory:`. */
export interface SqliteRecordsOptions {
  readonly path: string
  readonly migrations: readonly Migration[]
  /** How long writes are collected into one transaction, in milliseconds; default 3. */
  readonly groupMs?: number
  /** How long to wait for another process that holds the file, in milliseconds; default 5,000. */
  readonly busyMs?: number
  /** Requests without an answer; default 10,000. */
  readonly pendingMax?: number
}

const busyMsDefault = 5_000

type Answer = Exclude<StoreReply, { kind: 'fault' }>

// A request before its number: the union keeps its members' own fields.
type Unnumbered<Request> = Request extends unknown ? Omit<Request, 'id'> : never

interface Pending {
  resolve(answer: Answer): void
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
  readonly #options: SqliteRecordsOptions
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | null = null
  #exited: Promise<void> = Promise.resolve()
  #sequence = 0
  #isClosed = false

  constructor(options: SqliteRecordsOptions) {
    this.#options = options
  }

  warm(): void {
    if (this.#worker !== null || this.#isClosed) return
    this.#start().unref()
  }

  async write(commands: readonly SqlCommand[]): Promise<number> {
    const answer = await this.#ask({ kind: 'write', commands })
    return answer.kind === 'wrote' ? answer.changes : 0
  }

  async read(command: SqlCommand): Promise<readonly SqlRow[]> {
    const answer = await this.#ask({ kind: 'read', command })
    return answer.kind === 'rows' ? answer.rows : []
  }

  async close(): Promise<void> {
    if (this.#isClosed) return this.#exited
    const asked = this.#worker === null ? null : this.#ask({ kind: 'close' })
    this.#isClosed = true
    await asked
    await this.#exited
  }

  #ask(request: Unnumbered<StoreRequest>): Promise<Answer> {
    const { path, pendingMax = 10_000 } = this.#options
    if (this.#isClosed) return Promise.reject(storeFault('closed', path))
    if (this.#pending.size >= pendingMax) return Promise.reject(storeFault('overloaded', path))
    const worker = this.#worker ?? this.#start()
    const id = ++this.#sequence
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      // Only whoever waits, for an answer or for the end, keeps the process alive.
      worker.ref()
      worker.postMessage({ ...request, id })
    })
  }

  #start(): Worker {
    const { path, migrations, groupMs = 3, busyMs = busyMsDefault } = this.#options
    const data: SqliteWorkerData = { path, migrations, groupMs, busyMs }
    const worker = new Worker(siblingModule(import.meta.url, 'sqlite-worker'), {
      workerData: data,
      // What it does is short-lived and small: a large nursery would only be memory that nobody uses.
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    })
    worker.on('message', (reply: StoreReply) => this.#settle(worker, reply))
    const died = (detail: string): void => this.#failAll(worker, storeFault('broken', path, detail))
    worker.on('error', (error) => died(error instanceof Error ? error.message : String(error)))
    this.#exited = new Promise((resolve) => {
      worker.once('exit', (code) => {
        died(`the writer ended with code ${code}`)
        resolve()
      })
    })
    this.#worker = worker
    return worker
  }

  #settle(worker: Worker, reply: StoreReply): void {
    const fault = reply.kind === 'fault' ? toFault(reply.fault) : null
    // Opening failed: nothing that waits can be answered.
    if (reply.id === 0) {
      if (fault) this.#failAll(worker, fault)
      return
    }
    const pending = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    if (this.#pending.size === 0 && !this.#isClosed) worker.unref()
    if (fault) pending?.reject(fault)
    else if (reply.kind !== 'fault') pending?.resolve(reply)
  }

  #failAll(worker: Worker, fault: StoreFault): void {
    if (this.#worker !== worker) return
    this.#worker = null
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const each of pending) each.reject(fault)
  }
}

function toFault({ trouble, message, detail }: Extract<StoreReply, { kind: 'fault' }>['fault']): StoreFault {
  return new StoreFault(trouble, message, detail)
}
