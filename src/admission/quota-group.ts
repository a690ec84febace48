// Quota groups: an account at a vendor (and a model, where the vendor counts so) is the thing whose capacity is finite.
// Each has one queue of slots. Groups appear on first use; their number is bounded, since model names come from callers.

import type { Clock } from '../lib/clock.ts'
import { SlotQueue } from './slot-queue.ts'

/** How many requests an account takes at once. */
export interface Concurrency {
  /** Whether the vendor counts per model (GLM) or over the whole account (Kimi). */
  readonly per: 'account' | 'model'
  readonly default: number
  readonly byModel: Readonly<Record<string, number>>
}

/** Bounds shared by all queues; see `SlotQueueOptions`. */
export interface QueueBounds {
  readonly waitingMax: number
  readonly waitingPerClientMax: number
  readonly waitMsMax: number
  readonly cutHoldMs?: number
}

/** The groups of one account. */
export class AccountGroups {
  readonly #name: string
  readonly #concurrency: Concurrency
  readonly #bounds: QueueBounds
  readonly #clock: Clock
  readonly #queues = new Map<string, SlotQueue>()

  /** `name` is for people: `glm/main`. */
  constructor(name: string, concurrency: Concurrency, bounds: QueueBounds, clock: Clock) {
    this.#name = name
    this.#concurrency = concurrency
    this.#bounds = bounds
    this.#clock = clock
  }

  /** The queue that a job for `model` (or for an operation such as `search`) must pass. */
  queueFor(model: string): SlotQueue {
    const key = this.#concurrency.per === 'account' ? '' : model
    const known = this.#queues.get(key)
    if (known) return known
    if (this.#queues.size >= groupsMax) this.#forgetIdle()
    const group = this.#queues.size >= groupsMax ? overflowGroup : key
    const existing = this.#queues.get(group)
    if (existing) return existing
    const queue = new SlotQueue({
      name: group === '' ? this.#name : `${this.#name} ${group}`,
      capacity: this.#concurrency.byModel[group] ?? this.#concurrency.default,
      clock: this.#clock,
      ...this.#bounds,
    })
    this.#queues.set(group, queue)
    return queue
  }

  /** Jobs of this account that hold a slot or wait. */
  get load(): number {
    let sum = 0
    for (const queue of this.#queues.values()) {
      const { held, waiting } = queue.inspect()
      sum += held + waiting
    }
    return sum
  }

  /** Numbers for `inspect()`, by group. */
  inspect(): Readonly<Record<string, ReturnType<SlotQueue['inspect']>>> {
    return Object.fromEntries(
      [...this.#queues].map(([key, queue]) => [
        key === '' ? this.#name : `${this.#name} ${key}`,
        queue.inspect(),
      ]),
    )
  }

  #forgetIdle(): void {
    for (const [key, queue] of this.#queues) {
      const { held, waiting } = queue.inspect()
      if (held === 0 && waiting === 0) this.#queues.delete(key)
    }
  }
}

const groupsMax = 64
const overflowGroup = 'other models'
