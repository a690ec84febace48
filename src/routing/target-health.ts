// What stands between a job and a target, in one place: breaker, cooldown, keys. And what an attempt's end teaches them, together
// with the balance. Cooldown and breaker stay two things: a vendor that says "later" is not sick.

import { RefusedModels } from '../cache/refused-models.ts'
import type { CallFailure, FailureCode } from '../domain/failure.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { AttemptEnd } from './attempt-end.ts'
import { Balance } from './balance.ts'
import { Breaker, type BreakerChange, type BreakerLimits } from './breaker.ts'
import { type BreakerVerdict, hasAnswered, verdictOf } from './breaker-verdict.ts'
import { conversationLot } from './conversation-lot.ts'
import { Cooldowns } from './cooldown.ts'
import { failureClass } from './failure-class.ts'
import { FirstVisits } from './first-visits.ts'
import { KeyHealth, type KeyVerdict } from './key-health.ts'
import { Ramp } from './ramp.ts'
import { type SilenceLimits, SilenceWatch } from './silence-watch.ts'
import { breakerKey, subjectOf, type Target, targetKey } from './target.ts'

/** A change that people should see. */
export type HealthEvent =
  | ({ readonly type: 'breaker-changed'; readonly target: Target } & BreakerChange)
  | { readonly type: 'cooldown-began'; readonly target: Target; readonly untilMs: number }
  /** This account does not get that model: jobs go to the next of their chain. At most once a minute for each. */
  | { readonly type: 'model-refused'; readonly target: Target; readonly code: FailureCode }
  | { readonly type: 'key-died' | 'key-revived'; readonly keyName: string }

/** Collaborators. */
export interface TargetHealthOptions extends SilenceLimits {
  readonly clock: Clock
  readonly random: Random
  /** Of each endpoint and model; the breaker's defaults when absent. */
  readonly breaker?: BreakerLimits | undefined
  emit?(event: HealthEvent): void
}

/** Why a target cannot be tried now. */
export interface Obstacle {
  readonly code: FailureCode
  /** Half a sentence for people: "glm-5.2 asked us to wait". */
  readonly says: string
  /** null: nobody knows; a probe is out. */
  readonly waitMs: number | null
  /** Not null: waiting is no use; this is thrown at once. */
  readonly failure: CallFailure | null
}

/** All that one attempt holds of a target's health; settled exactly once. */
export interface AttemptPermit {
  readonly keyIndex: number
  readonly keyName: string
  /** A part of an answer came. */
  heard(): void
  /** `isOurLimit`: our own time for it was over, and the vendor's was not. */
  settle(end: AttemptEnd, isOurLimit: boolean, failure: CallFailure | null): void
  /** Instead of `settle`, when no attempt is made after all. */
  giveBack(): void
}

const breakersMax = 1_024
const refusedMax = 1_024
const overloadedMax = 1_024
const refusedAgainMs = 60_000

/** Health of all targets. */
export class TargetHealth {
  readonly keys: KeyHealth
  readonly balance: Balance
  readonly visits: FirstVisits
  readonly #options: TargetHealthOptions
  readonly #cooldowns: Cooldowns
  readonly #refused: RefusedModels
  // By breaker.
  readonly #silence: SilenceWatch
  readonly #breakers = new BoundedMap<string, Breaker>(breakersMax)
  // By breaker as well: of those that have been open.
  readonly #ramps = new BoundedMap<string, Ramp>(breakersMax)
  // Targets that have been overloaded and not answered since.
  readonly #overloaded = new BoundedMap<string, true>(overloadedMax)
  // By target: when people were last told that it was refused.
  readonly #refusedAt = new BoundedMap<string, number>(refusedMax)

  constructor(options: TargetHealthOptions) {
    this.#options = options
    this.keys = new KeyHealth({
      clock: options.clock,
      onDeath: (keyName) => options.emit?.({ type: 'key-died', keyName }),
      onRevival: (keyName) => options.emit?.({ type: 'key-revived', keyName }),
    })
    this.balance = new Balance(options)
    this.visits = new FirstVisits(options.clock)
    this.#cooldowns = new Cooldowns(options)
    this.#refused = new RefusedModels(options.clock)
    this.#silence = new SilenceWatch(options.clock, options)
  }

  /** What forbids an attempt now; null: nothing. */
  obstacle(target: Target): Obstacle | null {
    const name = target.model ?? target.provider
    const keyWaitMs = this.keys.waitMs(target.accountName, target.keyCount)
    if (keyWaitMs > 0) {
      const says = `no key or plan of ${target.accountName} works any more`
      return { code: 'credential-rejected', says, waitMs: keyWaitMs, failure: null }
    }
    const refused = this.#refused.find(target.accountName, subjectOf(target))
    if (refused) {
      const isUnknown = refused.code === 'model-unknown'
      const says = isUnknown ? `${name} is not known there` : `${name} is not open to ${target.accountName}`
      return { code: refused.code, says, waitMs: null, failure: refused }
    }
    const breakerWaitMs = this.#breaker(target).waitMs
    const coolMs = this.#cooldowns.waitMs(targetKey(target))
    if (breakerWaitMs !== 0) {
      const waitMs = breakerWaitMs === null ? null : Math.max(breakerWaitMs, coolMs)
      return {
        code: 'provider-error',
        says: `${name} failed too often and is left in peace`,
        waitMs,
        failure: null,
      }
    }
    if (coolMs <= 0) return null
    return { code: 'rate-limited', says: `${name} asked us to wait`, waitMs: coolMs, failure: null }
  }

  /** The permits of one attempt, or null when an obstacle has come up. `exceptKeys`: keys this job has tried. */
  enter(target: Target, exceptKeys: ReadonlySet<number>): AttemptPermit | null {
    if (this.#cooldowns.waitMs(targetKey(target)) > 0) return null
    if (this.#refused.find(target.accountName, subjectOf(target))) return null
    const key = this.keys.acquire(target.accountName, target.keyCount, exceptKeys)
    if (key === null) return null
    const breaker = this.#breaker(target).acquire()
    if (breaker === null) {
      key.settle('unknown')
      return null
    }
    const ear = this.#silence.listen(breakerKey(target), target.provider)
    return {
      keyIndex: key.index,
      keyName: key.name,
      heard: () => {
        ear.heard()
        this.visits.heard(target)
      },
      settle: (end, isOurLimit, failure) => {
        key.settle(keyVerdict(end, failure))
        this.#learn(target, end, failure)
        if (hasAnswered(end.outcome)) ear.heard()
        // One caller's short time says nothing to the others. But who was silent to all of them for long hangs.
        const isHanging = ear.end()
        const saysNothing = isOurLimit && !isHanging
        if (!saysNothing) this.#learnOfProvider(target, end.outcome)
        breaker.settle(saysNothing ? 'ignored' : breakerVerdict(end.outcome))
      },
      giveBack: () => {
        ear.end()
        key.settle('unknown')
        breaker.settle('ignored')
      },
    }
  }

  /** The share of the jobs that could go elsewhere too which its endpoint may get: less than 1 for a while after its breaker closed. */
  rampShare(target: Target): number {
    return this.#ramps.get(breakerKey(target))?.share ?? 1
  }

  /**
   * Whether a job that could go elsewhere too may come now. All accounts behind an endpoint get one answer for a conversation, and
   * who was let in once is so for good; `affinity` null: none, and each question is a throw of its own.
   */
  letsIn(target: Target, affinity: string | null): boolean {
    const share = this.rampShare(target)
    if (share >= 1) return true
    const lot = affinity === null ? this.#options.random() : conversationLot(affinity, breakerKey(target))
    return lot < share
  }

  /**
   * What needs a person is tried again, now that one has acted: dead keys, and models that were not open to the account. Absent: of all
   * accounts. Breakers and cooldowns pass by themselves, and stay. Answers what is tried again, and the keys that are dead still.
   */
  revive(account?: string): { readonly revived: readonly string[]; readonly dead: readonly string[] } {
    const revived = [...this.keys.revive(account), ...this.#refused.forgetAll(account)]
    return { revived, dead: this.keys.inspect().dead }
  }

  /**
   * Breakers that are not closed, the share of its jobs that an endpoint on its way back may get, cooldowns with the milliseconds left,
   * dead keys, and providers and accounts that failed of late and were not heard since: who leaves another for them pays.
   */
  inspect(): {
    readonly breakers: Readonly<Record<string, string>>
    readonly ramps: Readonly<Record<string, number>>
    readonly cooldowns: Readonly<Record<string, number>>
    readonly deadKeys: readonly string[]
    readonly failing: readonly string[]
  } {
    const breakers = [...this.#breakers.entries()]
      .map(([key, breaker]) => [key, breaker.state] as const)
      .filter(([, state]) => state !== 'closed')
    const ramps = [...this.#ramps.entries()]
      .map(([key, ramp]) => [key, ramp.share] as const)
      .filter(([, share]) => share < 1)
    return {
      breakers: Object.fromEntries(breakers),
      ramps: Object.fromEntries(ramps),
      cooldowns: this.#cooldowns.inspect(),
      deadKeys: this.keys.inspect().dead,
      failing: this.visits.failing,
    }
  }

  #learn(target: Target, end: AttemptEnd, failure: CallFailure | null): void {
    if (end.firstPartMs !== null) this.balance.observeFirstPart(target, end.firstPartMs)
    const isLimited = end.outcome === 'rate-limited' || end.outcome === 'concurrency-limited'
    if (end.outcome === 'done' || isLimited) this.balance.observeAnswer(target, isLimited)
    if (end.outcome === 'done') {
      this.visits.heard(target)
      this.#cooldowns.succeeded(targetKey(target))
      this.#overloaded.delete(targetKey(target))
    }
    if (failure) this.#refused.remember(target.accountName, subjectOf(target), failure)
    else if (end.outcome === 'done') this.#refused.forget(target.accountName, subjectOf(target))
    if (end.outcome === 'model-unknown' || end.outcome === 'permission-denied') {
      this.#tellRefused(target, end.outcome)
    }
    if (!this.#isCooling(target, end, failure)) return
    const untilMs = this.#cooldowns.cool(targetKey(target), failure?.retryAfterMs ?? null)
    this.#options.emit?.({ type: 'cooldown-began', target, untilMs })
  }

  // Too busy once is a hiccup; twice without an answer between is a state, which all that come must not find out for themselves.
  #isCooling(target: Target, end: AttemptEnd, failure: CallFailure | null): boolean {
    if (end.outcome === 'rate-limited') return true
    if (coolingWithHint.has(end.outcome) && (failure?.retryAfterMs ?? null) !== null) return true
    if (end.outcome !== 'overloaded') return false
    const key = targetKey(target)
    const wasOverloaded = this.#overloaded.get(key) === true
    this.#overloaded.set(key, true)
    return wasOverloaded
  }

  // One account's limits say nothing of the provider, and our own refusals nothing at all.
  #learnOfProvider({ provider, accountName }: Target, outcome: AttemptEnd['outcome']): void {
    if (outcome === 'rate-limited') this.visits.failed(accountName)
    else if (outcome !== 'done' && outcome !== 'hedge-lost' && failureClass(outcome) === 'transient')
      this.visits.failed(provider)
  }

  #tellRefused(target: Target, code: FailureCode): void {
    const now = this.#options.clock.now()
    const key = targetKey(target)
    if (now - (this.#refusedAt.get(key) ?? Number.NEGATIVE_INFINITY) < refusedAgainMs) return
    this.#refusedAt.set(key, now)
    this.#options.emit?.({ type: 'model-refused', target, code })
  }

  #rampOf(target: Target): Ramp {
    return this.#ramps.getOrCreate(breakerKey(target), () => new Ramp(this.#options.clock))
  }

  #breaker(target: Target): Breaker {
    return this.#breakers.getOrCreate(breakerKey(target), () => {
      const onChange = (change: BreakerChange): void => {
        if (change.from === 'half-open' && change.to === 'closed') this.#rampOf(target).begin()
        // Short calls must not close off again who has recovered: probes are judged without the silence before them.
        this.#silence.restart(breakerKey(target))
        this.#options.emit?.({ type: 'breaker-changed', target, ...change })
      }
      const { clock, random, breaker: limits } = this.#options
      return new Breaker({ clock, random, limits, onChange })
    })
  }
}

function breakerVerdict(outcome: AttemptEnd['outcome']): BreakerVerdict {
  if (outcome === 'done') return 'good'
  return outcome === 'hedge-lost' ? 'ignored' : verdictOf(outcome)
}

function keyVerdict(end: AttemptEnd, failure: CallFailure | null): KeyVerdict {
  if (end.outcome === 'done') return 'works'
  if (end.outcome === 'credential-rejected') return 'rejected'
  if (end.outcome === 'account-blocked') return 'account-dead'
  // A quota that comes back at a known time is a cooldown; one without a time needs a person.
  return end.outcome === 'quota-exhausted' && (failure?.retryAfterMs ?? null) === null
    ? 'account-dead'
    : 'unknown'
}

// What a vendor says with a time of its own is believed. Too many at once lowers the ceiling instead; that is admission's to do.
const coolingWithHint: ReadonlySet<AttemptEnd['outcome']> = new Set<AttemptEnd['outcome']>([
  'overloaded',
  'quota-exhausted',
  'provider-error',
])
