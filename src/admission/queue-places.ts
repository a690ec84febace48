// Tells whoever waits where it stands: at once, when its place changes, and at least every 10 seconds. Changes are gathered
// for half a second, so that a long queue is not walked for every job that passes.

import type { Clock, Timer } from '../lib/clock.ts'
import type { FairQueue } from './fair-queue.ts'
import type { QueuePlace } from './queue-place.ts'
import type { QueuedJob } from './queue-tree.ts'
import type { ForecastFacts } from './wait-forecast.ts'
import type { Waiter } from './waiter.ts'

/** The place of a job that has so much before it, among `inGroup` that wait. */
export function placeOf(
  job: QueuedJob<Waiter>,
  { ahead, inLine, slots, inFlight }: Pick<ForecastFacts, 'ahead' | 'inLine' | 'slots' | 'inFlight'>,
  inGroup: number,
  expectedWaitMs: number | null,
): QueuePlace {
  const { client } = job.lane
  // With a slot free it stands in the rates' line, where one is, and its group's own order says nothing.
  const jobsAhead = Math.max(inFlight < slots && inLine ? 0 : ahead.jobs, inLine?.jobs ?? 0)
  const waiting = inLine?.waiting ?? inGroup
  return {
    position: Math.min(waiting, jobsAhead + 1),
    waiting,
    expectedWaitMs: expectedWaitMs === null ? null : Math.round(expectedWaitMs),
    holders: {
      own: client.inFlight,
      siblings: client.principal.inFlight - client.inFlight,
      others: inFlight - client.principal.inFlight,
    },
  }
}

/** Announces places. Holds at most one timer, and none while nobody waits. */
export class Announcer {
  readonly #clock: Clock
  readonly #queue: FairQueue<Waiter>
  readonly #place: (job: QueuedJob<Waiter>) => QueuePlace
  #timer: Timer | null = null
  #dueAt = 0

  constructor(clock: Clock, queue: FairQueue<Waiter>, place: (job: QueuedJob<Waiter>) => QueuePlace) {
    this.#clock = clock
    this.#queue = queue
    this.#place = place
  }

  /** A job has begun to wait: it is told at once, the others soon. */
  arrived(job: QueuedJob<Waiter>, place: QueuePlace): void {
    this.#tell(job, place, this.#clock.now())
    this.changed()
  }

  /** Places have changed. */
  changed(): void {
    this.#arm(gatherMs)
  }

  #announce(): void {
    this.#timer = null
    const now = this.#clock.now()
    let nextMs = repeatMs
    for (const job of [...this.#queue.jobs()]) {
      const place = this.#place(job)
      const { payload } = job
      if (place.position !== payload.place || payload.toldAt + repeatMs <= now) this.#tell(job, place, now)
      nextMs = Math.min(nextMs, payload.toldAt + repeatMs - now)
    }
    this.#arm(nextMs)
  }

  #tell(job: QueuedJob<Waiter>, place: QueuePlace, now: number): void {
    job.payload.place = place.position
    job.payload.toldAt = now
    job.payload.request.onPlace(place)
  }

  #arm(delayMs: number): void {
    if (this.#queue.size === 0) {
      this.#timer?.cancel()
      this.#timer = null
      return
    }
    const dueAt = this.#clock.now() + delayMs
    if (this.#timer !== null && this.#dueAt <= dueAt) return
    this.#timer?.cancel()
    this.#dueAt = dueAt
    this.#timer = this.#clock.after(delayMs, () => this.#announce())
  }
}

const gatherMs = 500
const repeatMs = 10_000
