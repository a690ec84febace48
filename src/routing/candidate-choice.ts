// Which candidate a job tries next: the first step of its chain with a member that nothing forbids; among members the balance
// decides. When all are forbidden for a while, the job waits for the first to come back, if that is before its deadline: failing
// every job in the second in which all targets cool would turn a pause into an outage.

import { CallFailure, type FailureCode } from '../domain/failure.ts'
import type { Clock } from '../lib/clock.ts'
import { duration } from '../lib/in-words.ts'
import type { Random } from '../lib/random.ts'
import { wait } from '../lib/wait.ts'
import { inUse, startsNow } from './balance.ts'
import { timeMends } from './failure-class.ts'
import { type Setback, toldOf, withStory } from './failure-story.ts'
import type { JobPlan, JobSite } from './job-plan.ts'
import { type Direction, type JobHistory, liesAhead } from './next-step.ts'
import { type Target, targetKey } from './target.ts'
import type { Obstacle, TargetHealth } from './target-health.ts'
import { WaitingPlaces } from './waiting-places.ts'

/** Collaborators. */
export interface CandidateChoiceOptions {
  readonly clock: Clock
  readonly random: Random
  readonly health: TargetHealth
}

/** Where a job stands. */
export interface Trail<Each extends Target> {
  readonly history: JobHistory
  readonly setbacks: Setback[]
  /** What failed last, and where to go from there; null at the beginning and in a new cycle. */
  from: { readonly target: Each; readonly direction: Direction } | null
}

const waitingMax = 256
const pollMs = 500
const waitMsMin = 10
// Cooldowns and open breakers pass by themselves; dead keys and closed models need a person.
const passing: ReadonlySet<FailureCode> = new Set<FailureCode>(['rate-limited', 'provider-error'])

/** Chooses for all jobs. */
export class CandidateChoice {
  readonly #options: CandidateChoiceOptions
  readonly #places = new WaitingPlaces(waitingMax)

  constructor(options: CandidateChoiceOptions) {
    this.#options = options
  }

  /** Jobs that wait for a target to come back. */
  get waiting(): number {
    return this.#places.size
  }

  /**
   * The next target; at once where one is free, so that a job which asks for its slot in the same breath is counted there before the
   * next one chooses. Throws the job's last failure, or why nothing can be tried, or the signal's reason.
   */
  next<Each extends Target, Result>(
    plan: JobPlan<Each>,
    site: JobSite<Each, Result>,
    trail: Trail<Each>,
  ): Each | Promise<Each> {
    return this.#now(plan, site, trail) ?? this.#later(plan, site, trail)
  }

  #now<Each extends Target, Result>(
    plan: JobPlan<Each>,
    site: JobSite<Each, Result>,
    trail: Trail<Each>,
  ): Each | null {
    for (;;) {
      assertInTime(this.#options.clock, plan, trail.setbacks)
      const ahead = this.#ahead(plan, trail)
      const free = this.#firstFree(ahead, site, plan.affinity)
      if (free) return this.#options.health.balance.pick(free, (each) => site.load(each), plan.affinity)
      if (this.#beginsAnew(ahead.flat(), plan, trail)) continue
      return null
    }
  }

  async #later<Each extends Target, Result>(
    plan: JobPlan<Each>,
    site: JobSite<Each, Result>,
    trail: Trail<Each>,
  ): Promise<Each> {
    for (;;) {
      await this.#untilOneReturns(this.#ahead(plan, trail).flat(), plan, site, trail)
      const target = this.#now(plan, site, trail)
      if (target !== null) return target
    }
  }

  /** Whether the job could still go elsewhere. */
  hasOther<Each extends Target>(plan: JobPlan<Each>, target: Each, history: JobHistory): boolean {
    return plan.steps.some((step) =>
      step.some((each) => liesAhead(each, target, 'any', history) && this.#isFree(each)),
    )
  }

  /** A free target in another group that would start the job now, for a hedge; null: none. */
  idleElsewhere<Each extends Target, Result>(
    plan: JobPlan<Each>,
    site: JobSite<Each, Result>,
    target: Each,
    history: JobHistory,
  ): Each | null {
    return plan.steps.flat().find((each) => this.#isIdle(each, site, target, history)) ?? null
  }

  /** Whether another group of the target's own step would start the job now. */
  startsBeside<Each extends Target, Result>(
    plan: JobPlan<Each>,
    site: JobSite<Each, Result>,
    target: Each,
    history: JobHistory,
  ): boolean {
    const step = plan.steps.find((members) => members.includes(target)) ?? []
    return inUse(step).some((each) => this.#isIdle(each, site, target, history))
  }

  // In another group than the target's, where the job has not been.
  #isIdle<Each extends Target, Result>(
    each: Each,
    site: JobSite<Each, Result>,
    target: Each,
    history: JobHistory,
  ): boolean {
    return liesAhead(each, target, 'other-group', history) && this.#isFree(each) && startsNow(site.load(each))
  }

  #isFree(target: Target): boolean {
    return this.#options.health.obstacle(target) === null
  }

  #ahead<Each extends Target>(plan: JobPlan<Each>, trail: Trail<Each>): readonly (readonly Each[])[] {
    const { from, history } = trail
    const isAhead = (each: Each): boolean =>
      from === null
        ? !history.visited.has(targetKey(each))
        : liesAhead(each, from.target, from.direction, history)
    return plan.steps.map((step) => step.filter(isAhead))
  }

  // Nothing that is left can be asked now. Where the last that was asked only pauses, or everybody does, a job that came a moment later
  // would wait for the first to return: so does this one, in a new cycle. Its attempts and the retry budget are no more for that.
  #beginsAnew<Each extends Target>(left: readonly Each[], plan: JobPlan<Each>, trail: Trail<Each>): boolean {
    const { from, history, setbacks } = trail
    if (from === null) return false
    const all = plan.steps.flat()
    const away = all.some((each) => this.#isFree(each)) ? [from.target] : all
    const backMs = Math.min(...away.map((each) => this.#backMs(each, setbacks)))
    const leftMs = Math.min(...left.map((each) => waitMsOf(this.#options.health.obstacle(each))))
    if (backMs >= Math.min(leftMs, plan.deadlineAt() - this.#options.clock.now())) return false
    history.visited.clear()
    trail.from = null
    return true
  }

  // When a target that failed this job may be asked by it again; never where time mends nothing.
  #backMs(target: Target, setbacks: readonly Setback[]): number {
    const obstacle = this.#options.health.obstacle(target)
    if (obstacle === null || !passing.has(obstacle.code)) return Number.POSITIVE_INFINITY
    const last = setbacks.findLast((each) => targetKey(each.target) === targetKey(target))
    return last && timeMends(last.failure) ? waitMsOf(obstacle) : Number.POSITIVE_INFINITY
  }

  // A step is one endpoint's, so its accounts are let in together: what it does not get goes to the next step, and never to an account
  // of the same endpoint that stands by. But only to one that starts it now: a line there, beside slots that are free here, is longer than
  // any way back. Where none does, the job goes to the one that is furthest on its way back of those that start it now, or else to the
  // first. Our own extracts stand in for a vendor that cannot be asked, and for no other.
  #firstFree<Each extends Target, Result>(
    steps: readonly (readonly Each[])[],
    site: JobSite<Each, Result>,
    affinity: string | null,
  ): readonly [Each, ...Each[]] | null {
    const { health } = this.#options
    let held: readonly [Each, ...Each[]] | null = null
    let best: readonly [Each, ...Each[]] | null = null
    for (const step of steps) {
      const [first, ...rest] = step.filter((each) => this.#isFree(each))
      if (first === undefined) continue
      if (held !== null && first.provider === 'local') break
      const isLetIn = health.letsIn(first, affinity)
      if (isLetIn && held === null) return [first, ...rest]
      const isIdle = inUse([first, ...rest]).some((each) => startsNow(site.load(each)))
      if (isLetIn && isIdle) return [first, ...rest]
      if (isLetIn) continue
      held ??= [first, ...rest]
      const isFurther = best === null || health.rampShare(first) > health.rampShare(best[0])
      if (isIdle && isFurther) best = [first, ...rest]
    }
    return best ?? held
  }

  async #untilOneReturns<Each extends Target, Result>(
    targets: readonly Each[],
    plan: JobPlan<Each>,
    site: JobSite<Each, Result>,
    trail: Trail<Each>,
  ): Promise<void> {
    const { clock, random, health } = this.#options
    const obstacles = targets.map((target) => health.obstacle(target)).filter((each) => each !== null)
    const soonest = obstacles.reduce<Obstacle | null>(
      (best, each) => (waitMsOf(each) < waitMsOf(best) ? each : best),
      null,
    )
    if (soonest === null) {
      throw withStory(trail.setbacks, null) ?? obstacles[0]?.failure ?? nothingToTry()
    }
    const waitMs = Math.max(waitMsMin, soonest.waitMs ?? pollMs * (0.5 + random()))
    const sentAway = (): CallFailure => withStory(trail.setbacks, soonest.waitMs) ?? unavailable(soonest)
    if (clock.now() + waitMs >= plan.deadlineAt()) throw sentAway()
    const place = this.#places.enter(plan.principal)
    if (place === null) throw sentAway()
    try {
      site.onWait?.(soonest)
      await wait(clock, waitMs, AbortSignal.any([plan.signal, place.taken]))
    } catch (error) {
      // Whoever lost his place and was given up in one moment was given up.
      plan.signal.throwIfAborted()
      throw place.taken.aborted ? sentAway() : error
    } finally {
      place.leave()
    }
  }
}

/** Throws the signal's reason, or `deadline`, telling of what was tried, when the job's time is over. */
export function assertInTime(clock: Clock, plan: JobPlan<Target>, setbacks: readonly Setback[]): void {
  plan.signal.throwIfAborted()
  if (clock.now() < plan.deadlineAt()) return
  const told = toldOf(setbacks)
  const tried = told === '' ? '' : ` Tried: ${told}.`
  throw new CallFailure('deadline', {
    message: `The time of this call was over before a vendor could answer.${tried} Call again, or ask for less at once.`,
  })
}

// A probe is looked after every half second; what waiting does not help never returns.
function waitMsOf(obstacle: Obstacle | null): number {
  if (obstacle === null || obstacle.failure !== null) return Number.POSITIVE_INFINITY
  return obstacle.waitMs ?? pollMs
}

function unavailable(obstacle: Obstacle): CallFailure {
  const when = obstacle.waitMs === null ? 'in a while' : `in ${duration(obstacle.waitMs)}`
  return new CallFailure(obstacle.code, {
    message: `Nobody can take this now: ${obstacle.says}, and nothing else is set up for it. Try again ${when}.`,
    retryable: true,
    ...(obstacle.waitMs === null ? {} : { retryAfterMs: Math.ceil(obstacle.waitMs) }),
  })
}

function nothingToTry(): CallFailure {
  return new CallFailure('not-configured', {
    message: 'No provider is set up for this. Set one up in the config and restart the server.',
  })
}
