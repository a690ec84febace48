// The one retry loop. A job goes through its candidates until one answers, up to the surface's commit point:
//
//   choose (not cooling, breaker not open, a key alive) -> slot of its group -> permits -> attempt -> one end, emitted
//        ^                                                                                     |
//        +---- again | other key | doubled cap | requeued | next candidate <---- next step <---+---> result or failure
//
// Promises: one attempt at a time unless hedged; none after the deadline; a target is visited once a cycle; retries keep within
// the budget; leases and permits go back on every path. Does not: know any vendor.

import { CallFailure } from '../domain/failure.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import { wait } from '../lib/wait.ts'
import { AttemptStarter } from './attempt-starter.ts'
import { backoffMs } from './backoff.ts'
import { assertInTime, CandidateChoice, type Trail } from './candidate-choice.ts'
import { costsRetryBudget, countsAsAttempt, mayBeOutage } from './failure-class.ts'
import { type Setback, withStory } from './failure-story.ts'
import { HedgeBudget, type HedgeOptions } from './hedge.ts'
import type { AttemptLease, JobPlan, JobSite } from './job-plan.ts'
import { beginHistory, type Direction, nextStep, type StepFacts } from './next-step.ts'
import type { RetryBudget } from './retry-budget.ts'
import { retryDefaults } from './retry-limits.ts'
import { type Target, targetKey } from './target.ts'
import type { TargetHealth } from './target-health.ts'

/** Collaborators and bounds, shared by all jobs. */
export interface AttemptsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly health: TargetHealth
  readonly budget: RetryBudget
  /** Attempts a job; `retryDefaults` when absent. Requeued ones and dead keys are bounded apart. */
  readonly attemptsMax?: number
  /** Absent or null: off. */
  readonly hedge?: HedgeOptions | null
}

const requeuesMax = 32
const turnsMax = 64
// A failure within so much of the time that was left is worth asking the same vendor again, even where another could be asked.
const quickShare = 1 / 8
// Longer than a connection that cannot be made.
const newsMsMax = 6_000

/** The retry loop of all jobs. */
export class Attempts {
  readonly #options: AttemptsOptions
  readonly #choice: CandidateChoice
  readonly #hedges: HedgeBudget

  constructor(options: AttemptsOptions) {
    this.#options = options
    this.#choice = new CandidateChoice(options)
    this.#hedges = new HedgeBudget(options.hedge?.share ?? 0)
  }

  /** Runs a job to its end. Throws the last `CallFailure`, which tells of those before it, or the signal's reason. */
  async run<Each extends Target, Result>(plan: JobPlan<Each>, site: JobSite<Each, Result>): Promise<Result> {
    if (plan.isHedgeable) this.#hedges.deposit()
    const { clock, health, hedge = null, attemptsMax = retryDefaults.attempts } = this.#options
    const shared = { clock, health, hedge, attemptsMax }
    const starter = new AttemptStarter(shared, this.#choice, this.#hedges, plan, site)
    const job = new JobLoop(this.#options, this.#choice, starter, plan, site)
    try {
      return await job.run()
    } finally {
      // A row must be safe before the answer it pays for is written to anybody.
      await starter.recorded()
    }
  }

  /** Jobs that wait for a target to come back. */
  get waiting(): number {
    return this.#choice.waiting
  }
}

/** What a stay at one target ended with; null: the choice looks again. */
type Stay<Result> = { readonly value: Result } | null

class JobLoop<Each extends Target, Result> {
  readonly #options: AttemptsOptions
  readonly #choice: CandidateChoice
  readonly #starter: AttemptStarter<Each, Result>
  readonly #plan: JobPlan<Each>
  readonly #site: JobSite<Each, Result>
  readonly #trail: Trail<Each> = { history: beginHistory(), setbacks: [], from: null }
  #outputTokensMax: number | null

  constructor(
    options: AttemptsOptions,
    choice: CandidateChoice,
    starter: AttemptStarter<Each, Result>,
    plan: JobPlan<Each>,
    site: JobSite<Each, Result>,
  ) {
    this.#options = options
    this.#choice = choice
    this.#starter = starter
    this.#plan = plan
    this.#site = site
    this.#outputTokensMax = plan.outputTokensMax
  }

  async run(): Promise<Result> {
    for (let turn = 0; turn < turnsMax; turn++) {
      const choice = this.#choice.next(this.#plan, this.#site, this.#trail)
      // Not a moment between choosing and asking: jobs that come together would all choose the account that was idle before them.
      const target = choice instanceof Promise ? await choice : choice
      const lease = await this.#site.acquire(target, this.#plan.signal, this.#outputTokensMax)
      const stay = isRefusal(lease) ? this.#refused(target, lease) : await this.#stay(target, lease)
      if (stay !== null) return stay.value
    }
    throw this.#story()
  }

  // All attempts at one target, on one slot; at a hedge's, from where that spoke first and failed. Throws when nothing further may be
  // tried.
  async #stay(asked: Each, granted: AttemptLease): Promise<Stay<Result>> {
    const { health, clock } = this.#options
    const { history } = this.#trail
    const triedKeys = new Set<number>()
    let target = asked
    let lease: AttemptLease | null = granted
    try {
      for (;;) {
        const unready = await this.#site.ready?.(target, this.#plan.signal, this.#outputTokensMax)
        if (unready) return this.#refused(target, unready)
        const { visits } = health
        const newsUntilAt = this.#newsUntil(target)
        // Not a moment between seeing that nobody looks there and going to look.
        while (this.#isVisit(target) && visits.isAwaited(target) && clock.now() < newsUntilAt())
          await visits.news(target, newsUntilAt(), this.#plan.signal)
        assertInTime(clock, this.#plan, this.#trail.setbacks)
        const permit = health.enter(target, triedKeys)
        // Something came up while the job waited: an untried target stays one.
        if (permit === null) return history.visited.has(targetKey(target)) ? this.#goOn(target, 'any') : null
        history.visited.add(targetKey(target))
        // It may not be asked by this job any more; one that was never tried still may.
        if (!this.#mayAttempt(target)) {
          permit.giveBack()
          return this.#goOn(target, 'any')
        }
        history.attempts++
        const visited = this.#isVisit(target) ? visits.begin(target) : null
        const tried = await this.#starter.attempt(target, permit, history, this.#outputTokensMax)
        visited?.()
        const { result, keyIndex } = tried
        if (result.kind === 'done') return result
        if (tried.lease !== null) {
          lease.release()
          lease = tried.lease
          triedKeys.clear()
        }
        target = tried.target
        if (tried.beside !== null) this.#failed(tried.beside)
        const { failure, tookMs } = result
        this.#failed({ target, failure, tookMs })
        const facts = this.#facts(target, failure, tookMs)
        const step = nextStep(failure, target, history, this.#limits, facts)
        switch (step.kind) {
          case 'stop':
            throw this.#story()
          case 'go-on':
            return this.#goOn(target, step.direction)
          case 'other-key':
            triedKeys.add(keyIndex)
            // Where none is left nothing is asked of the rates either.
            if (health.keys.isUsable(target.accountName, target.keyCount, triedKeys)) break
            return this.#goOn(target, 'other-account')
          case 'double-cap':
            history.hasDoubledCap = true
            if (this.#outputTokensMax !== null) this.#outputTokensMax *= 2
            break
          case 'again':
            history.retriedProviders.add(target.provider)
            // It named a time, or its breaker opened: whoever else can goes on now.
            if (health.obstacle(target) !== null) return this.#goOn(target, 'any')
            await wait(clock, backoffMs(history.attempts - 1, this.#options.random), this.#plan.signal)
            break
          case 'requeue': {
            history.requeues++
            // A place in line is worth nothing beside an account that would start the job now.
            if (this.#choice.startsBeside(this.#plan, this.#site, target, history))
              return this.#goBeside(target)
            const refused: AttemptLease = lease
            // From here the slot is the queue's again.
            lease = null
            const again: AttemptLease | Refusal = await refused.refusedByVendor()
            if (isRefusal(again)) return this.#refused(target, again)
            lease = again
          }
        }
      }
    } finally {
      lease?.release()
    }
  }

  get #limits(): { readonly attemptsMax: number; readonly requeuesMax: number } {
    return { attemptsMax: this.#options.attemptsMax ?? retryDefaults.attempts, requeuesMax }
  }

  // The job's first attempt earns; every further one that an outage could multiply pays, but for a visit where nothing has failed.
  #mayAttempt(target: Each): boolean {
    const { budget, health } = this.#options
    const last = this.#made.at(-1)
    if (last !== undefined) {
      if (!costsRetryBudget(last.failure.code)) return true
      const isFree = this.#isVisit(target) && !health.visits.hasFailed(target)
      if (!isFree) return budget.withdraw(target.provider)
    }
    budget.deposit(target.provider)
    return true
  }

  // Leaving a vendor that is down multiplies nothing at another one that answers: that is asked once, as if the chain had begun there.
  #isVisit({ provider }: Each): boolean {
    const made = this.#made
    const last = made.at(-1)
    const isFirstThere = made.every((each) => each.target.provider !== provider)
    return last !== undefined && isFirstThere && mayBeOutage(last.failure.code)
  }

  // Our own queue's refusal is no attempt.
  get #made(): readonly Setback[] {
    return this.#trail.setbacks.filter(({ failure }) => failure.code !== 'refused')
  }

  // Not for long where nothing comes: that vendor may only be slow, and the job has little time. Where it has failed, without news a job
  // could only pay or end.
  #newsUntil(target: Each): () => number {
    const { clock, health } = this.#options
    const now = clock.now()
    const shareMs = (this.#plan.deadlineAt() - now) * quickShare
    return () => now + (health.visits.hasFailed(target) ? shareMs : Math.min(newsMsMax, shareMs))
  }

  #facts(target: Each, { code }: CallFailure, tookMs: number): StepFacts {
    const leftMs = this.#plan.deadlineAt() - this.#options.clock.now()
    return {
      isCommitted: this.#site.isCommitted(),
      wasQuick: code !== 'timeout' && tookMs <= (leftMs + tookMs) * quickShare,
      hasOther: this.#choice.hasOther(this.#plan, target, this.#trail.history),
    }
  }

  #refused(target: Each, refusal: Refusal): null {
    const failure = new CallFailure('refused', { message: refusal.message, refusal, retryable: true })
    this.#trail.history.visited.add(targetKey(target))
    this.#trail.setbacks.push({ target, failure, tookMs: 0 })
    return this.#goOn(target, 'other-group')
  }

  #failed(setback: Setback): void {
    if (!countsAsAttempt(setback.failure.code)) this.#trail.history.attempts--
    this.#trail.setbacks.push(setback)
  }

  // It may come back, where it was only sent back and nothing failed.
  #goBeside(target: Each): null {
    const { setbacks, history } = this.#trail
    const there = setbacks.filter((each) => targetKey(each.target) === targetKey(target))
    if (there.every(({ failure }) => failure.code === 'concurrency-limited'))
      history.visited.delete(targetKey(target))
    return this.#goOn(target, 'other-group')
  }

  #goOn(target: Each, direction: Direction): null {
    this.#trail.from = { target, direction }
    return null
  }

  #story(): CallFailure {
    return (
      withStory(this.#trail.setbacks, null) ??
      new CallFailure('overloaded', {
        message: 'The vendors changed their mind too often while this job waited. Call again in a minute.',
        retryable: true,
      })
    )
  }
}
