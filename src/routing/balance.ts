// Which of several quota groups that offer the same model takes a job: two drawn by weight, the healthier of the two wins; a
// conversation stays where the vendor's prompt cache knows it, unless that group is full or over its fair load; a group that comes
// back from a fault is let in by steps, so that nobody runs it over; one of weight 0 waits until no other is left; and now and then
// the lot decides alone, so that a group once slow is seen to be fast again. After "the power of two choices", Finagle's Peak EWMA
// and "consistent hashing with bounded loads".

import { createHash } from 'node:crypto'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import { GroupVitals } from './group-vitals.ts'
import type { Target } from './target.ts'

/** Collaborators. */
export interface BalanceOptions {
  readonly clock: Clock
  readonly random: Random
}

/** How loaded a group is: jobs it holds or that wait for it, and its capacity. */
export interface GroupLoad {
  readonly inFlight: number
  readonly capacity: number
}

const explorationShare = 0.02
const boundedLoadFactor = 1.25
// Scores closer than this are equal: small differences of latency must not undo the weights.
const tieFactor = 1.25
const groupsMax = 1_024

/** Chooses among groups and learns from what they do. */
export class Balance {
  readonly #options: BalanceOptions
  readonly #vitals: BoundedMap<string, GroupVitals>

  constructor(options: BalanceOptions) {
    this.#options = options
    this.#vitals = new BoundedMap(groupsMax)
  }

  /** One of `targets` (all usable, never empty). `affinity` names a conversation; null: none. */
  pick<Each extends Target>(
    targets: readonly [Each, ...Each[]],
    load: (target: Each) => GroupLoad,
    affinity: string | null,
  ): Each {
    if (targets.length === 1) return targets[0]
    if (affinity !== null) return this.#byAffinity(targets, load, affinity)
    const members = inUse(this.#admitted(targets))
    if (this.#options.random() < explorationShare) {
      return members[Math.floor(this.#options.random() * members.length)]?.target ?? targets[0]
    }
    const first = this.#byWeight(members)
    const second = this.#byWeight(members)
    if (first === undefined || second === undefined) return targets[0]
    const isBetter =
      this.#score(second, load, members.length) * tieFactor < this.#score(first, load, members.length)
    return (isBetter ? second : first).target
  }

  /** The first part came after `ms`. */
  observeFirstPart(target: Target, ms: number): void {
    this.vitalsOf(target).observeFirstPart(ms)
  }

  /** The vendor answered: with a 429, or with anything else. */
  observeAnswer(target: Target, isLimited: boolean): void {
    this.vitalsOf(target).observeAnswer(isLimited)
  }

  /** Its breaker closed, or its cooldown ended after a failure: let it in by steps. */
  recovered(target: Target): void {
    this.vitalsOf(target).recovered()
  }

  /** What is known of a target's group. */
  vitalsOf(target: Target): GroupVitals {
    return this.#vitals.getOrCreate(target.group, () => new GroupVitals(this.#options.clock))
  }

  // A group on the ramp gets the step's part of its fair share and no more: it is drawn apart from the others, because a group
  // that stands idle would win every comparison with those that worked on.
  #admitted<Each extends Target>(targets: readonly Each[]): readonly Each[] {
    const whole: Each[] = []
    for (const { target, share } of sharesOf(targets)) {
      const ramp = this.vitalsOf(target).rampShare
      if (ramp >= 1) whole.push(target)
      else if (this.#options.random() < ramp * share) return [target]
    }
    return whole.length === 0 ? targets : whole
  }

  #byWeight<Each extends Target>(members: readonly Member<Each>[]): Member<Each> | undefined {
    let left = this.#options.random()
    for (const member of members) {
      left -= member.share
      if (left < 0) return member
    }
    return members[0]
  }

  // The weight is in the lot already; here it only scales what a group in use may carry, against the mean of all.
  #score<Each extends Target>(
    { target, share }: Member<Each>,
    load: (target: Each) => GroupLoad,
    members: number,
  ): number {
    const { inFlight, capacity } = load(target)
    const use = inFlight / (Math.max(1, capacity) * share * members)
    return (1 + use) * this.vitalsOf(target).cost
  }

  // Rendezvous hashing by weight alone: capacities are learned, and a home must not move with them. When a group leaves, only its own
  // conversations move. What a home may hold is a matter of its capacity too; and where it has no slot, the vendor's cache is not
  // worth the wait while another has one.
  #byAffinity<Each extends Target>(
    targets: readonly [Each, ...Each[]],
    load: (target: Each) => GroupLoad,
    affinity: string,
  ): Each {
    const lots = new Map(targets.map((target) => [target, lotsOf(affinity, target.group)]))
    const isLetIn = (target: Each): boolean =>
      (lots.get(target)?.onRamp ?? 0) < this.vitalsOf(target).rampShare
    const letIn = targets.filter(isLetIn)
    const places = inUse(letIn.length === 0 ? targets : letIn)
      .map(({ target, share }) => {
        const { inFlight, capacity } = load(target)
        // The logarithm of a lot below one is negative.
        const rank = -share / Math.log(lots.get(target)?.home ?? 0.5)
        return { target, rank, inFlight, capacity, part: Math.max(1, capacity) * share }
      })
      .sort((a, b) => b.rank - a.rank)
    const parts = places.reduce((sum, { part }) => sum + part, 0)
    const jobs = places.reduce((sum, { inFlight }) => sum + inFlight, 1)
    // Never none: what all together may hold is more than all there is.
    const fitting = places.filter(
      ({ inFlight, part }) => inFlight + 1 <= Math.ceil((boundedLoadFactor * jobs * part) / parts),
    )
    const chosen = fitting.find(({ inFlight, capacity }) => inFlight < capacity) ?? fitting[0]
    return chosen?.target ?? targets[0]
  }
}

interface Member<Each> {
  readonly target: Each
  /** Of all jobs, from 0 to 1. */
  readonly share: number
}

// By weight; evenly where none has any.
function sharesOf<Each extends Target>(targets: readonly Each[]): readonly Member<Each>[] {
  const sum = targets.reduce((total, { weight }) => total + weight, 0)
  return targets.map((target) => ({ target, share: sum > 0 ? target.weight / sum : 1 / targets.length }))
}

// One of weight 0 stands by until there is no other.
function inUse<Each extends Target>(targets: readonly Each[]): readonly Member<Each>[] {
  const weighty = targets.filter(({ weight }) => weight > 0)
  return sharesOf(weighty.length === 0 ? targets : weighty)
}

// Two even lots between 0 and 1, the same for a conversation at a group at all times: how near its home is, and at which step of the
// ramp it comes back to it.
function lotsOf(affinity: string, group: string): { readonly home: number; readonly onRamp: number } {
  const digest = createHash('sha256').update(`${affinity}\n${group}`).digest()
  return { home: (digest.readUIntBE(0, 6) + 1) / (2 ** 48 + 1), onRamp: digest.readUIntBE(6, 6) / 2 ** 48 }
}
