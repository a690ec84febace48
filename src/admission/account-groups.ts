// The quota groups of one account: one for the whole account, or one for each model where the vendor counts so. Groups
// appear on first use; their number is bounded, since model names come from callers. Each has a ceiling of its own; the rates are the
// account's. Promises: inventing names gives nobody more of them, gives back nothing that a group holds back, and pushes out no model
// that answers; what finds no place shares one group.

import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import { AccountRates, type DayCount } from './account-rates.ts'
import type { QueueOrder } from './fair-queue.ts'
import type { GroupFact } from './group-fact.ts'
import type { SharedRates } from './group-options.ts'
import type { GroupPlan } from './group-plan.ts'
import { QuotaGroup } from './quota-group.ts'
import { RatesLine } from './rates-line.ts'

/** The groups of one account. */
export class AccountGroups {
  readonly #name: string
  readonly #plan: GroupPlan
  readonly #clock: Clock
  readonly #random: Random
  readonly #groups = new Map<string, Kept>()
  readonly #shared: SharedRates
  #uses = 0
  #order: QueueOrder = 'fair'
  #onDayCount: (() => void) | null = null

  /** `name` is for people: `glm/main`. */
  constructor(name: string, plan: GroupPlan, clock: Clock, random: Random) {
    this.#name = name
    this.#plan = plan
    this.#clock = clock
    this.#random = random
    const rates = new AccountRates(plan.rates, () => this.#onDayCount?.())
    const isLine = plan.per === 'model' && rates.isCounted
    this.#shared = { name, rates, line: isLine ? new RatesLine(rates) : null }
  }

  /** The group that a job for `model` (or for an operation such as `search`) must pass. */
  groupFor(model: string): QuotaGroup {
    const wanted = this.#plan.per === 'account' ? '' : model
    const key = this.#groups.has(wanted) || this.#makePlace() ? wanted : overflowGroup
    const kept = this.#groups.get(key) ?? this.#open(key)
    kept.lastUse = this.#uses++
    return kept.group
  }

  #open(key: string): Kept {
    const group = new QuotaGroup({
      ...this.#plan.group(key),
      name: this.#title(key),
      shared: this.#shared,
      clock: this.#clock,
      random: this.#random,
    })
    group.setOrder(this.#order)
    const kept = { group, lastUse: 0 }
    this.#groups.set(key, kept)
    return kept
  }

  /** What `groupFor` would be called: two models with one name share one capacity. */
  nameFor(model: string): string {
    return this.#title(this.#plan.per === 'account' ? '' : model)
  }

  /** Jobs of this account that hold a slot or wait. */
  get load(): number {
    let sum = 0
    for (const { group } of this.#groups.values()) sum += group.inFlight + group.waiting
    return sum
  }

  /** Changes the order in every group, and in those to come. */
  setOrder(order: QueueOrder): void {
    this.#order = order
    this.#shared.line?.setOrder(order)
    for (const { group } of this.#groups.values()) group.setOrder(order)
  }

  /** Changes a principal's share in every group from now on. */
  setWeight(principal: string, weight: number): void {
    for (const { group } of this.#groups.values()) group.setWeight(principal, weight)
  }

  /** Numbers for `inspect()`, by group. */
  inspect(): Readonly<Record<string, GroupFact>> {
    return Object.fromEntries(
      [...this.#groups].map(([key, { group }]) => [this.#title(key), group.inspect()]),
    )
  }

  /** Tells `ear` of every change of the account's count of the day; one ear at a time. */
  watchDayCounts(ear: () => void): void {
    this.#onDayCount = ear
  }

  /** The daily counter, for a restart. */
  snapshot(): DayCount {
    return this.#shared.rates.snapshot()
  }

  /** Takes up the counter of an earlier life, before the first job. */
  restore(count: DayCount): void {
    this.#shared.rates.restore(count, this.#clock.now(), this.#clock.wallMs())
  }

  #title(key: string): string {
    return key === '' ? this.#name : `${this.#name} ${key}`
  }

  // Whether one more group may be. The least recently used that nothing stands on makes room: of names under which nobody was served
  // first, and of those alone when they have their half of the places.
  #makePlace(): boolean {
    const all = [...this.#groups].sort(([, a], [, b]) => a.lastUse - b.lastUse)
    const strangers = all.filter(([, { group }]) => !group.hasServed)
    const isCrowded = strangers.length >= strangersMax
    if (all.length < groupsMax && !isCrowded) return true
    const goes = (isCrowded ? strangers : [...strangers, ...all]).find(([, { group }]) => !group.isNeeded)
    if (goes === undefined) return false
    this.#groups.delete(goes[0])
    return true
  }
}

interface Kept {
  readonly group: QuotaGroup
  /** Larger than that of all used before. */
  lastUse: number
}

const groupsMax = 64
const strangersMax = groupsMax / 2
const overflowGroup = 'other models'
