// A discrete-event simulation of vendor slots behind the real fair queue, in virtual time. Sources keep jobs waiting (closed
// loop) or send them at a rate (open loop); the queue decides, the slots serve, and what everybody got is counted.

import type { FairQueue, FairQueueLimits, QueueOrder } from '../../src/admission/fair-queue.ts'
import type { JobClass } from '../../src/admission/queue-tree.ts'
import type { Random } from '../../src/lib/random.ts'

/** Somebody who sends jobs. Times in milliseconds. */
export interface Source {
  /** The principal of its n-th job: one that changes is somebody with many keys. */
  readonly principal: string | ((n: number) => string)
  /** The client id of its n-th job: one that changes is a window that reconnects. */
  readonly client: string | ((n: number) => string)
  readonly weight?: number
  readonly class?: JobClass
  /** How long its next job holds a slot. */
  serviceMs(random: Random): number
  /** Closed loop: jobs it keeps waiting or running. Open loop: milliseconds to its next job. */
  readonly load:
    | { readonly outstanding: number; readonly pauseMs?: number }
    | { gapMs(random: Random): number }
  /** It sends nothing outside of these. */
  readonly fromMs?: number
  readonly untilMs?: number
}

/** What is simulated. */
export interface SimulationOptions {
  readonly queue: typeof FairQueue
  readonly limits?: Partial<FairQueueLimits>
  readonly order?: QueueOrder
  readonly slots: number
  readonly sources: readonly Source[]
  readonly untilMs: number
  readonly random: Random
  /** Expected cost of a job; its true one when absent. */
  estimate?(source: Source, serviceMs: number): number
  /** What a job is charged at its end; its slot time when absent. */
  cost?(serviceMs: number): number
  /** Called after every event, with what each source has had so far, running jobs included. */
  watch?(now: number, service: readonly number[], queue: FairQueue<SimulatedJob>): void
  /** Called when a job starts. */
  onStart?(job: SimulatedJob, now: number): void
}

/** One job. */
export interface SimulatedJob {
  readonly source: number
  /** Of its source, from 0. */
  readonly n: number
  readonly arrivedAt: number
  readonly serviceMs: number
  /** Jobs of its own source that waited when it came. */
  readonly ownAhead: number
}

/** What came of it. */
export interface SimulationResult {
  /** Slot time by source, running jobs included. */
  readonly service: readonly number[]
  /** Waits of started jobs by source. */
  readonly waits: readonly (readonly number[])[]
  readonly refused: readonly number[]
  /** Share of the slots that was busy. */
  readonly utilisation: number
}

/** Runs the simulation to its end. */
export function simulate(options: SimulationOptions): SimulationResult {
  const { slots, sources, untilMs, random } = options
  const queue = new options.queue<SimulatedJob>({ ...roomy, ...options.limits }, options.order)
  const events = new EventQueue()
  const finished = sources.map(() => 0)
  const running = new Map<SimulatedJob, number>()
  const waits: number[][] = sources.map(() => [])
  const refused = sources.map(() => 0)
  const sent = sources.map(() => 0)
  const waiting = sources.map(() => 0)
  let now = 0

  const serviceSoFar = (): number[] => {
    const sum = [...finished]
    for (const [{ source }, startedAt] of running) sum[source] = (sum[source] ?? 0) + now - startedAt
    return sum
  }
  const send = (index: number): void => {
    const source = at(sources, index)
    if (now >= (source.untilMs ?? untilMs)) return
    const n = at(sent, index)
    sent[index] = n + 1
    const serviceMs = source.serviceMs(random)
    const job: SimulatedJob = { source: index, n, arrivedAt: now, serviceMs, ownAhead: at(waiting, index) }
    const placing = queue.enqueue(
      {
        principal: typeof source.principal === 'string' ? source.principal : source.principal(n),
        client: typeof source.client === 'string' ? source.client : source.client(n),
        ...(source.weight === undefined ? {} : { principalWeight: source.weight }),
        class: source.class ?? 'interactive',
        estimate: options.estimate?.(source, serviceMs) ?? serviceMs,
        bytes: 0,
        deadlineAt: Number.POSITIVE_INFINITY,
      },
      job,
      now,
    )
    if (placing.kind === 'full') refused[index] = at(refused, index) + 1
    else waiting[index] = at(waiting, index) + 1
    if (placing.kind === 'queued' && placing.eviction) {
      const { job: evicted } = placing.eviction
      const { source: loser } = evicted.payload
      queue.cancel(evicted)
      waiting[loser] = at(waiting, loser) - 1
      refused[loser] = at(refused, loser) + 1
    }
  }
  const dispatch = (): void => {
    while (running.size < slots) {
      const queued = queue.peek()
      if (queued === null) return
      queue.start(queued)
      const job = queued.payload
      const { source } = job
      waiting[source] = at(waiting, source) - 1
      at(waits, source).push(now - job.arrivedAt)
      running.set(job, now)
      options.onStart?.(job, now)
      events.add(now + job.serviceMs, () => {
        running.delete(job)
        finished[source] = at(finished, source) + job.serviceMs
        queue.finish(queued, options.cost?.(job.serviceMs) ?? job.serviceMs, now)
        const { load } = at(sources, source)
        if (!('outstanding' in load)) return
        if (load.pauseMs) events.add(now + load.pauseMs, () => send(source))
        else send(source)
      })
    }
  }
  sources.forEach((source, index) => {
    const { load, fromMs = 0 } = source
    if ('outstanding' in load) {
      events.add(fromMs, () => {
        for (let i = 0; i < load.outstanding; i++) send(index)
      })
      return
    }
    const next = (): void => {
      send(index)
      events.add(now + load.gapMs(random), next)
    }
    events.add(fromMs + load.gapMs(random), next)
  })
  for (;;) {
    const event = events.take(untilMs)
    if (event === null) break
    now = event.at
    event.run()
    // Whatever falls on the same instant happens before anybody chooses.
    if (events.nextAt !== now) dispatch()
    options.watch?.(now, serviceSoFar(), queue)
  }
  now = untilMs
  const service = serviceSoFar()
  const busy = service.reduce((sum, each) => sum + each, 0)
  return { service, waits, refused, utilisation: busy / (slots * untilMs) }
}

/** Jain's index of fairness: 1 when all are equal, 1/n when one has everything. */
export function jain(values: readonly number[]): number {
  const sum = values.reduce((a, b) => a + b, 0)
  const squares = values.reduce((a, b) => a + b * b, 0)
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares)
}

/** The value below which `share` of all lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

/** Service times around a mean, log-normal with sigma 1: most are short, a few are ten times as long. */
export function lognormal(meanMs: number): (random: Random) => number {
  return (random) => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    return meanMs * Math.exp(normal - 0.5)
  }
}

const roomy: FairQueueLimits = {
  clientJobsMax: 1e6,
  clientBytesMax: 1e9,
  principalJobsMax: 1e6,
  jobsMax: 1e6,
  forgetAfterMs: 60_000,
}

function at<Value>(values: readonly Value[], index: number): Value {
  const value = values[index]
  if (value === undefined) throw new Error(`no source ${index}`)
  return value
}

/** Events in order of time, then of making. */
class EventQueue {
  readonly #heap: { at: number; order: number; run: () => void }[] = []
  #order = 0

  get nextAt(): number | null {
    return this.#heap[0]?.at ?? null
  }

  add(when: number, run: () => void): void {
    const heap = this.#heap
    const event = { at: when, order: this.#order++, run }
    let index = heap.length
    heap.push(event)
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = at(heap, above)
      if (!isBefore(event, parent)) break
      heap[index] = parent
      index = above
    }
    heap[index] = event
  }

  take(untilMs: number): { at: number; run: () => void } | null {
    const heap = this.#heap
    const first = heap[0]
    if (first === undefined || first.at > untilMs) return null
    const last = heap.pop()
    if (last === undefined || last === first) return first
    let index = 0
    for (;;) {
      let below = 2 * index + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && isBefore(at(heap, below + 1), at(heap, below))) below++
      if (!isBefore(at(heap, below), last)) break
      heap[index] = at(heap, below)
      index = below
    }
    heap[index] = last
    return first
  }
}

function isBefore(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
