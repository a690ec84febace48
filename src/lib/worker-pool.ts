// Runs untrusted or heavy work in worker threads: started on demand, capped in memory and time, kept warm a while.
// Promises: lanes are served in turn; with two workers or more one lane never holds all of them; a task that is aborted,
// too slow or too big costs its worker, never another task; nothing is left when it is destroyed.
// Does not: retry. The module it starts calls `answerTasks` of `worker-tasks.ts`.

import { Worker } from 'node:worker_threads'
import type { Clock, Timer } from './clock.ts'
import { LaneQueue } from './lane-queue.ts'

/** Why a task did not come back with an answer. `message` is technical; rooms translate it for people. */
export class WorkerFault extends Error {
  override readonly name: string = 'WorkerFault'
  /** `queue-full`: never begun. `crashed`: the worker threw or ended. The rest are the limits and `destroy`. */
  readonly reason: 'queue-full' | 'timeout' | 'memory' | 'crashed' | 'destroyed'

  constructor(reason: WorkerFault['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

/** Bounds of a pool. */
export interface WorkerPoolOptions {
  readonly clock: Clock
  /** The module each worker runs; see `siblingModule`. */
  readonly module: URL
  /** Workers alive at once. */
  readonly workersMax: number
  /** Tasks waiting, over all lanes. */
  readonly queueMax: number
  /** Weight (bytes, say) waiting and running, over all lanes. */
  readonly queueWeightMax: number
  /** Longest a task may run once it has a worker, in milliseconds. */
  readonly timeoutMs: number
  /** How long an idle worker stays warm, in milliseconds. */
  readonly idleMs: number
  /** Cap of a worker's heap, and apart from it of its buffers, in MiB. */
  readonly memoryMiBMax: number
}

/** One piece of work; `input` is copied to the worker. */
export interface WorkerTask<Input> {
  /** Who asked: tasks of different lanes take turns. */
  readonly lane: string
  readonly input: Input
  /** In the unit of `queueWeightMax`. */
  readonly weight: number
  readonly signal: AbortSignal
}

/** What a pool holds right now. */
export interface WorkerPoolState {
  readonly running: number
  readonly waiting: number
  readonly workers: number
}

interface Waiting<Input, Output> extends WorkerTask<Input> {
  resolve(value: Output): void
  reject(error: unknown): void
  readonly leave: () => void
}

interface Member<Input, Output> {
  readonly worker: Worker
  task: Waiting<Input, Output> | null
  /** The idle timer, or the time limit of the running task. */
  timer: Timer | null
  watch: Timer | null
  /** Its first, unpaid task runs: nobody else's answer may be taken for that one's. */
  isWarming: boolean
  /** Set once it was told to end; it counts until its exit. */
  isEnding: boolean
}

/** What a worker answers; see `answerTasks`. */
export type WorkerReply<Output> =
  | { readonly kind: 'done'; readonly value: Output }
  | { readonly kind: 'threw'; readonly message: string }

const memoryPollMs = 100

/** A bounded, fair pool of workers. Errors: `WorkerFault`, or the reason of the task's signal. */
export class WorkerPool<Input, Output> {
  readonly #options: WorkerPoolOptions
  readonly #queue = new LaneQueue<Waiting<Input, Output>>()
  readonly #members = new Set<Member<Input, Output>>()
  #weight = 0
  #isDestroyed = false

  constructor(options: WorkerPoolOptions) {
    this.#options = options
  }

  /** Runs one task; waits its lane's turn. */
  run(task: WorkerTask<Input>): Promise<Output> {
    return new Promise((resolve, reject) => {
      const fault = this.#faultBefore(task)
      if (fault !== null) {
        reject(fault)
        return
      }
      const leave = (): void => this.#abort(waiting)
      const waiting: Waiting<Input, Output> = { ...task, resolve, reject, leave }
      task.signal.addEventListener('abort', leave, { once: true })
      this.#weight += task.weight
      this.#queue.push(task.lane, waiting)
      this.#dispatch()
    })
  }

  /** Starts workers, up to the maximum, so that the next tasks find them running; `input` is their first, unpaid task. */
  warm(input: Input): void {
    if (this.#isDestroyed) return
    while (this.#members.size < this.#options.workersMax) {
      const member = this.#start()
      member.isWarming = true
      // Nobody waits for it: it must not keep the process alive, and it cools like any idle worker.
      member.worker.unref()
      member.timer = this.#options.clock.after(this.#options.idleMs, () => void this.#end(member, null))
      member.worker.postMessage(input)
    }
  }

  /** Counters for tests and operators; all zero once idle workers have cooled or after `destroy`. */
  inspect(): WorkerPoolState {
    const running = [...this.#members].filter((member) => member.task !== null).length
    return { running, waiting: this.#queue.size, workers: this.#members.size }
  }

  /** Ends everything now: waiting and running tasks fail with `destroyed`. Resolves when the last worker has ended. */
  async destroy(): Promise<void> {
    this.#isDestroyed = true
    const fault = new WorkerFault('destroyed', 'the worker pool was closed')
    for (const waiting of this.#queue.drain()) this.#fail(waiting, fault)
    await Promise.all([...this.#members].map((member) => this.#end(member, fault)))
  }

  #faultBefore(task: WorkerTask<Input>): unknown {
    if (task.signal.aborted) return task.signal.reason
    if (this.#isDestroyed) return new WorkerFault('destroyed', 'the worker pool was closed')
    const isFull =
      this.#queue.size >= this.#options.queueMax ||
      (this.#weight > 0 && this.#weight + task.weight > this.#options.queueWeightMax)
    return isFull ? new WorkerFault('queue-full', `${this.#queue.size} tasks are waiting`) : null
  }

  #dispatch(): void {
    while (this.#queue.size > 0) {
      const free = [...this.#members].find(
        (member) => member.task === null && !member.isWarming && !member.isEnding,
      )
      if (free === undefined && this.#members.size >= this.#options.workersMax) return
      const waiting = this.#queue.take((lane) => this.#mayRun(lane))
      if (waiting === null) return
      this.#begin(free ?? this.#start(), waiting)
    }
  }

  /** One lane never holds every worker: a file that runs into its time limit must not stop the others. */
  #mayRun(lane: string): boolean {
    const held = [...this.#members].filter((member) => member.task?.lane === lane).length
    return held < Math.max(1, this.#options.workersMax - 1)
  }

  #start(): Member<Input, Output> {
    const worker = new Worker(this.#options.module, {
      resourceLimits: { maxOldGenerationSizeMb: this.#options.memoryMiBMax, stackSizeMb: 4 },
      // Kept off the console; `answerTasks` drops it at its source, since reading these streams would keep the process alive.
      stdout: true,
      stderr: true,
      // The keys of the vendors are none of a parser's business.
      env: {},
      execArgv: [],
    })
    const member: Member<Input, Output> = {
      worker,
      task: null,
      timer: null,
      watch: null,
      isWarming: false,
      isEnding: false,
    }
    this.#members.add(member)
    worker.on('message', (reply: WorkerReply<Output>) => this.#answer(member, reply))
    worker.on('error', (error: Error & { code?: string }) => {
      const reason = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'crashed'
      this.#settle(member, new WorkerFault(reason, error.message))
      member.isEnding = true
    })
    worker.on('exit', () => {
      this.#settle(member, new WorkerFault('crashed', 'the worker ended by itself'))
      this.#members.delete(member)
      this.#dispatch()
    })
    return member
  }

  #begin(member: Member<Input, Output>, waiting: Waiting<Input, Output>): void {
    const { clock, timeoutMs } = this.#options
    member.timer?.cancel()
    member.task = waiting
    member.timer = clock.after(timeoutMs, () => {
      void this.#end(member, new WorkerFault('timeout', `no answer within ${timeoutMs} ms`))
    })
    member.worker.ref()
    this.#watchMemory(member, waiting)
    member.worker.postMessage(waiting.input)
  }

  /** V8's own limit counts objects only: buffers that a bomb inflates live outside its heap, so they are asked for. */
  #watchMemory(member: Member<Input, Output>, waiting: Waiting<Input, Output>): void {
    member.watch = this.#options.clock.after(memoryPollMs, () => {
      void externalMiB(member.worker).then((usedMiB) => {
        if (member.task !== waiting) return
        if (usedMiB > this.#options.memoryMiBMax) {
          void this.#end(member, new WorkerFault('memory', `buffers of ${Math.round(usedMiB)} MiB`))
        } else this.#watchMemory(member, waiting)
      })
    })
  }

  #answer(member: Member<Input, Output>, reply: WorkerReply<Output>): void {
    if (member.isEnding) return
    if (member.isWarming) {
      member.isWarming = false
      member.timer?.cancel()
    } else if (reply.kind === 'done') this.#settle(member, null, reply.value)
    else this.#settle(member, new WorkerFault('crashed', reply.message))
    member.worker.unref()
    member.timer = this.#options.clock.after(this.#options.idleMs, () => void this.#end(member, null))
    this.#dispatch()
  }

  #abort(waiting: Waiting<Input, Output>): void {
    const member = [...this.#members].find((candidate) => candidate.task === waiting)
    if (member !== undefined) void this.#end(member, waiting.signal.reason)
    else if (this.#queue.remove(waiting.lane, waiting)) this.#fail(waiting, waiting.signal.reason)
  }

  async #end(member: Member<Input, Output>, error: unknown): Promise<void> {
    this.#settle(member, error)
    member.isEnding = true
    await member.worker.terminate()
  }

  /** Takes the task off its worker and answers it, once. */
  #settle(member: Member<Input, Output>, error: unknown, value?: Output): void {
    member.timer?.cancel()
    member.watch?.cancel()
    const waiting = member.task
    member.task = null
    if (waiting === null) return
    this.#forget(waiting)
    if (error === null) waiting.resolve(value as Output)
    else waiting.reject(error)
  }

  #fail(waiting: Waiting<Input, Output>, error: unknown): void {
    this.#forget(waiting)
    waiting.reject(error)
  }

  #forget(waiting: Waiting<Input, Output>): void {
    this.#weight -= waiting.weight
    waiting.signal.removeEventListener('abort', waiting.leave)
  }
}

/** MiB of a worker's buffers; 0 while it starts or ends, when it has none to tell. */
async function externalMiB(worker: Worker): Promise<number> {
  try {
    return (await worker.getHeapStatistics()).external_memory / 1024 / 1024
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_NOT_RUNNING') return 0
    throw error
  }
}
