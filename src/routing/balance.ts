// Which of several quota groups that offer the same model takes a job: one that would start it now while there is one, of these the
// healthier of two drawn by weight; else the one with less to do for its weight and the sooner one. A conversation stays where the
// vendor's prompt cache knows it, unless it had to wait there or that group is over its fair load; weight 0 stands by; and now and then the
// lot decides alone, so that a group once slow is seen to be fast again. After "the power of two choices", Finagle's Peak EWMA and
// "consistent hashing with bounded loads".

import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import { conversationLot } from './conversation-lot.ts'
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
  /** How long anything but its slots would keep a job that came now: rates, a pause. Infinite: for ever; absent: nothing would. */
  readonly waitMs?: number
}

const explorationShare = 0.02
const boundedLoadFactor = 1.25
// Scores closer than this are equal: small differences of latency must not undo the weights.
const tieFactor = 1.25
const groupsMax = 1_024
// What the vendor's cache saves a conversation: it reads faster, and costs less.
const cacheWorthMs = 1_000

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
    const members = inUse(targets)
    const free = members.filter((each) => startsNow(load(each)))
    const chosen =
      free.length > 0 ? this.#byLot(free, load, 'free') : this.#byLot(members, load, 'somebody waits')
    return chosen ?? targets[0]
  }

  /** The first part came after `ms`. */
  observeFirstPart(target: Target, ms: number): void {
    this.vitalsOf(target).observeFirstPart(ms)
  }

  /** The vendor answered: with a 429, or with anything else. */
  observeAnswer(target: Target, isLimited: boolean): void {
    this.vitalsOf(target).observeAnswer(isLimited)
  }

  /** What is known of a target's group. */
  vitalsOf(target: Target): GroupVitals {
    return this.#vitals.getOrCreate(target.group, () => new GroupVitals(this.#options.clock))
  }

  // Among free ones the same may be drawn twice: nobody waits there, so the weights go before a first part that happened to be late.
  // Where somebody has to wait, two lines are always compared.
  #byLot<Each extends Target>(
    members: readonly Each[],
    load: (target: Each) => GroupLoad,
    are: 'free' | 'somebody waits',
  ): Each | undefined {
    if (members.length === 1) return members[0]
    if (this.#options.random() < explorationShare) {
      return members[Math.floor(this.#options.random() * members.length)]
    }
    const first = this.#byWeight(members)
    const second = this.#byWeight(are === 'free' ? members : members.filter((each) => each !== first))
    if (first === undefined || second === undefined) return first
    const scores = this.#scoresOf(members, load)
    return scores(second) * tieFactor < scores(first) ? second : first
  }

  #byWeight<Each extends Target>(members: readonly Each[]): Each | undefined {
    let left = this.#options.random()
    for (const [member, share] of sharesOf(members)) {
      left -= share
      if (left < 0) return member
    }
    return members[0]
  }

  // The weight is in the lot already; here it only scales what a group in use may carry, against the mean of all. Who was never asked
  // is held for as fast as the others are: no number of ours knows how fast that is.
  #scoresOf<Each extends Target>(
    members: readonly Each[],
    load: (target: Each) => GroupLoad,
  ): (target: Each) => number {
    const measured = members.map((each) => this.vitalsOf(each).firstPartMs).filter((each) => each !== null)
    const usualMs = measured.length === 0 ? 1 : measured.reduce((sum, ms) => sum + ms) / measured.length
    const shares = sharesOf(members)
    return (target) => {
      const { inFlight, capacity, waitMs = 0 } = load(target)
      const { firstPartMs, limitedFactor } = this.vitalsOf(target)
      const use = inFlight / (Math.max(1, capacity) * (shares.get(target) ?? 1) * members.length)
      return (1 + use) * (firstPartMs ?? usualMs) * limitedFactor + waitMs
    }
  }

  // Rendezvous hashing by weight alone: capacities are learned, and a home must not move with them. When a group leaves, only its own
  // conversations move. What a home may hold is a matter of its capacity too; and the vendor's cache is not worth a wait at home while
  // another would start the job now, nor one for rates that is longer there by seconds.
  #byAffinity<Each extends Target>(
    targets: readonly [Each, ...Each[]],
    load: (target: Each) => GroupLoad,
    affinity: string,
  ): Each {
    const places = [...sharesOf(inUse(targets))]
      .map(([target, share]) => {
        const { inFlight, capacity, waitMs = 0 } = load(target)
        // The logarithm of a lot, which is below one, is negative.
        const rank = -share / Math.log(conversationLot(affinity, target.group))
        return { target, rank, inFlight, capacity, waitMs, part: Math.max(1, capacity) * share }
      })
      .sort((a, b) => b.rank - a.rank)
    const parts = places.reduce((sum, { part }) => sum + part, 0)
    const jobs = places.reduce((sum, { inFlight }) => sum + inFlight, 1)
    // Never none: what all together may hold is more than all there is.
    const fitting = places.filter(
      ({ inFlight, part }) => inFlight + 1 <= Math.ceil((boundedLoadFactor * jobs * part) / parts),
    )
    const chosen = fitting.find(startsNow) ?? places.find(startsNow) ?? firstOfSoonest(fitting)
    return chosen?.target ?? targets[0]
  }
}

/** Whether a job that came now would not have to wait. */
export function startsNow({ inFlight, capacity, waitMs = 0 }: GroupLoad): boolean {
  return inFlight < capacity && waitMs === 0
}

function firstOfSoonest<Place extends { readonly waitMs: number }>(
  places: readonly Place[],
): Place | undefined {
  const leastMs = Math.min(...places.map(({ waitMs }) => waitMs))
  return places.find(({ waitMs }) => waitMs <= leastMs + cacheWorthMs)
}

// Of all jobs, by weight; evenly where none has any.
function sharesOf<Each extends Target>(targets: readonly Each[]): ReadonlyMap<Each, number> {
  const sum = targets.reduce((total, { weight }) => total + weight, 0)
  return new Map(targets.map((target) => [target, sum > 0 ? target.weight / sum : 1 / targets.length]))
}

/** Those that share the work: one of weight 0 stands by until there is no other. */
export function inUse<Each extends Target>(targets: readonly Each[]): readonly Each[] {
  const weighty = targets.filter(({ weight }) => weight > 0)
  return weighty.length === 0 ? targets : weighty
}
