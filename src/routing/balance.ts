// Which of several quota groups that offer the same model takes a job: two drawn by weight, the healthier of the two wins; a
// conversation stays where the vendor's prompt cache knows it, unless that group is over its fair load; a group that comes back
// from a fault is let in by steps, so that nobody runs it over; and now and then the lot decides alone, so that a group once slow
// is seen to be fast again. After "the power of two choices" and Finagle's Peak EWMA.

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
    const eligible = this.#admitted(targets)
    if (affinity !== null) return this.#byAffinity(eligible, load, affinity)
    if (this.#options.random() < explorationShare) {
      return eligible[Math.floor(this.#options.random() * eligible.length)] ?? eligible[0]
    }
    const first = this.#byWeight(eligible)
    const second = this.#byWeight(eligible)
    return this.#score(second, load) * tieFactor < this.#score(first, load) ? second : first
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
  #admitted<Each extends Target>(targets: readonly [Each, ...Each[]]): readonly [Each, ...Each[]] {
    const weights = targets.reduce((sum, { weight }) => sum + weight, 0)
    const whole: Each[] = []
    for (const target of targets) {
      const share = this.vitalsOf(target).rampShare
      if (share >= 1) whole.push(target)
      else if (this.#options.random() < (share * target.weight) / Math.max(weights, 1e-6)) return [target]
    }
    const [first, ...rest] = whole
    return first === undefined ? targets : [first, ...rest]
  }

  #byWeight<Each extends Target>(targets: readonly [Each, ...Each[]]): Each {
    const sum = targets.reduce((total, { weight }) => total + weight, 0)
    let left = this.#options.random() * sum
    for (const target of targets) {
      left -= target.weight
      if (left < 0) return target
    }
    return targets[0]
  }

  // The weight is in the lot already; here it only scales what a group in use may carry.
  #score<Each extends Target>(target: Each, load: (target: Each) => GroupLoad): number {
    const { inFlight, capacity } = load(target)
    const use = inFlight / (Math.max(1, capacity) * Math.max(target.weight, 1e-6))
    return (1 + use) * this.vitalsOf(target).cost
  }

  // Rendezvous hashing: when a group leaves, only its own conversations move.
  #byAffinity<Each extends Target>(
    targets: readonly [Each, ...Each[]],
    load: (target: Each) => GroupLoad,
    affinity: string,
  ): Each {
    const ranked = targets
      .map((target) => ({ target, rank: rendezvousRank(affinity, target) }))
      .sort((a, b) => b.rank - a.rank)
    const weights = targets.reduce((sum, { weight }) => sum + weight, 0)
    const inFlight = targets.reduce((sum, target) => sum + load(target).inFlight, 0)
    const fitting = ranked.find(({ target }) => {
      const fair = ((inFlight + 1) * target.weight) / Math.max(weights, 1e-6)
      return load(target).inFlight + 1 <= Math.ceil(boundedLoadFactor * fair)
    })
    return fitting?.target ?? ranked[0]?.target ?? targets[0]
  }
}

function rendezvousRank(affinity: string, target: Target): number {
  const digest = createHash('sha256').update(`${affinity}\n${target.group}`).digest()
  const uniform = (digest.readUIntBE(0, 6) + 1) / (2 ** 48 + 1)
  return -Math.max(target.weight, 1e-6) / Math.log(uniform)
}
