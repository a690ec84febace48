// The quota groups of one account: one for the whole account, or one for each model where the vendor counts so. Groups
// appear on first use; their number is bounded, since model names come from callers.

import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { QueueOrder } from './fair-queue.ts'
import type { GroupFact } from './group-fact.ts'
import type { GroupPlan } from './group-plan.ts'
import type { DayCount } from './group-rates.ts'
import { QuotaGroup } from './quota-group.ts'

/** The groups of one account. */
export class AccountGroups {
  readonly #name: string
  readonly #plan: GroupPlan
  readonly #clock: Clock
  readonly #random: Random
  readonly #groups = new Map<string, QuotaGroup>()
  #counts: ReadonlyMap<string, DayCount> = new Map()
  #order: QueueOrder = 'fair'
  #onDayCount: (() => void) | null = null

  /** `name` is for people: `glm/main`. */
  constructor(name: string, plan: GroupPlan, clock: Clock, random: Random) {
    this.#name = name
    this.#plan = plan
    this.#clock = clock
    this.#random = random
  }

  /** The group that a job for `model` (or for an operation such as `search`) must pass. */
  groupFor(model: string): QuotaGroup {
    const wanted = this.#plan.per === 'account' ? '' : model
    const known = this.#groups.get(wanted)
    if (known) return known
    if (this.#groups.size >= groupsMax) this.#forgetIdle()
    const key = this.#groups.size >= groupsMax ? overflowGroup : wanted
    const existing = this.#groups.get(key)
    if (existing) return existing
    const group = new QuotaGroup({
      ...this.#plan.group(key),
      name: this.#title(key),
      onDayCount: () => this.#onDayCount?.(),
      clock: this.#clock,
      random: this.#random,
    })
    const count = this.#counts.get(key)
    if (count) group.day.restore(count)
    group.setOrder(this.#order)
    this.#groups.set(key, group)
    return group
  }

  /** What `groupFor` would be called: two models with one name share one capacity. */
  nameFor(model: string): string {
    return this.#title(this.#plan.per === 'account' ? '' : model)
  }

  /** Jobs of this account that hold a slot or wait. */
  get load(): number {
    let sum = 0
    for (const group of this.#groups.values()) sum += group.inFlight + group.waiting
    return sum
  }

  /** Changes the order in every group, and in those to come. */
  setOrder(order: QueueOrder): void {
    this.#order = order
    for (const group of this.#groups.values()) group.setOrder(order)
  }

  /** Changes a principal's share in every group from now on. */
  setWeight(principal: string, weight: number): void {
    for (const group of this.#groups.values()) group.setWeight(principal, weight)
  }

  /** Numbers for `inspect()`, by group. */
  inspect(): Readonly<Record<string, GroupFact>> {
    return Object.fromEntries([...this.#groups].map(([key, group]) => [this.#title(key), group.inspect()]))
  }

  /** Tells `ear` of every change of a group's count of the day; one ear at a time. */
  watchDayCounts(ear: () => void): void {
    this.#onDayCount = ear
  }

  /** Daily counters, by group, for a restart. */
  snapshot(): ReadonlyMap<string, DayCount> {
    return new Map([
      ...this.#counts,
      ...[...this.#groups].map(([key, group]) => [key, group.day.snapshot()] as const),
    ])
  }

  /** Takes up the counters of an earlier life, before the first job. */
  restore(counts: ReadonlyMap<string, DayCount>): void {
    this.#counts = counts
    for (const [key, group] of this.#groups) {
      const count = counts.get(key)
      if (count) group.day.restore(count)
    }
  }

  #title(key: string): string {
    return key === '' ? this.#name : `${this.#name} ${key}`
  }

  // A group that counts by the day keeps its count when it is forgotten.
  #forgetIdle(): void {
    const counts = new Map(this.#counts)
    for (const [key, group] of this.#groups) {
      if (group.inFlight + group.waiting > 0) continue
      const count = group.day.snapshot()
      counts.delete(key)
      if (count.tokens > 0) counts.set(key, count)
      this.#groups.delete(key)
    }
    this.#counts = new Map([...counts].slice(-countsMax))
  }
}

const groupsMax = 64
const countsMax = 256
const overflowGroup = 'other models'
