// One worker over one data file: started with the first request, so that whoever asks nothing pays for nothing. Bounded: more than so many
// unanswered requests are refused. A worker that dies takes its unanswered requests with it, each told so, and the next request starts
// another.

import { Worker } from 'node:worker_threads'
import { siblingModule } from '../lib/sibling-module.ts'
import type { SqliteWorkerData, StoreReply, StoreRequest } from './sqlite-worker.ts'
import { StoreFault, storeFault } from './store-fault.ts'

type Answer = Exclude<StoreReply, { kind: 'fault' }>

// A request before its number: the union keeps its members' own fields.
type Unnumbered<Request> = Request extends unknown ? Omit<Request, 'id'> : never

interface Pending {
  resolve(answer: Answer): void
  reject(error: unknown): void
}

interface Running {
  readonly worker: Worker
  readonly pending: Map<number, Pending>
  readonly exited: Promise<void>
  isEnding: boolean
}

/** One worker over one data file. */
export class StoreThread {
  readonly #data: SqliteWorkerData
  readonly #pendingMax: number
  #running: Running | null = null
  #exited: Promise<void> = Promise.resolve()
  #sequence = 0

  constructor(data: SqliteWorkerData, pendingMax: number) {
    this.#data = data
    this.#pendingMax = pendingMax
  }

  /** Starts it, if it does not run. */
  warm(): void {
    this.#running ??= this.#start()
  }

  /** Its answer to one request. Rejects with a `StoreFault`. */
  ask(request: Unnumbered<StoreRequest>): Promise<Answer> {
    const running = this.#running ?? this.#start()
    if (running.pending.size >= this.#pendingMax) {
      return Promise.reject(storeFault('overloaded', this.#data.path))
    }
    this.#running = running
    return this.#post(running, request)
  }

  /** Ends it when all it was asked is answered; whoever asks later starts another. Resolves when it is gone. */
  async end(): Promise<void> {
    const running = this.#running
    if (running !== null) {
      this.#running = null
      running.isEnding = true
      await this.#post(running, { kind: 'close' })
    }
    await this.#exited
  }

  #post({ worker, pending }: Running, request: Unnumbered<StoreRequest>): Promise<Answer> {
    const id = ++this.#sequence
    return new Promise((resolve, reject) => {
      pending.set(id, { resolve, reject })
      // Only whoever waits, for an answer or for the end, keeps the process alive.
      worker.ref()
      worker.postMessage({ ...request, id })
    })
  }

  #start(): Running {
    const worker = new Worker(siblingModule(import.meta.url, 'sqlite-worker'), {
      workerData: this.#data,
      // What it does is short-lived and small: a large nursery would only be memory that nobody uses.
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    })
    worker.unref()
    const died = (detail: string): void => this.#failAll(running, this.#fault(detail))
    const exited = new Promise<void>((resolve) => {
      worker.once('exit', (code) => {
        died(`the thread ended with code ${code}`)
        resolve()
      })
    })
    const running: Running = { worker, pending: new Map(), exited, isEnding: false }
    worker.on('message', (reply: StoreReply) => this.#settle(running, reply))
    worker.on('error', (error) => died(error instanceof Error ? error.message : String(error)))
    this.#exited = exited
    return running
  }

  #fault(detail: string): StoreFault {
    return storeFault('broken', this.#data.path, detail)
  }

  #settle(running: Running, reply: StoreReply): void {
    const { worker, pending } = running
    const fault = reply.kind === 'fault' ? toFault(reply.fault) : null
    // Opening failed: nothing that waits can be answered.
    if (reply.id === 0) {
      if (fault) this.#failAll(running, fault)
      return
    }
    const waiting = pending.get(reply.id)
    pending.delete(reply.id)
    if (pending.size === 0 && !running.isEnding) worker.unref()
    if (fault) waiting?.reject(fault)
    else if (reply.kind !== 'fault') waiting?.resolve(reply)
  }

  #failAll(running: Running, fault: StoreFault): void {
    if (this.#running === running) this.#running = null
    const pending = [...running.pending.values()]
    running.pending.clear()
    for (const each of pending) each.reject(fault)
  }
}

/** A fault as it came from the worker. */
export function toFault({
  trouble,
  message,
  detail,
}: Extract<StoreReply, { kind: 'fault' }>['fault']): StoreFault {
  return new StoreFault(trouble, message, detail)
}
