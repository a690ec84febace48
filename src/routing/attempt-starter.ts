// Starts the attempts of one job: numbers them, gives each its time limit, hedges where that is on, and hands every end to the
// health of its target and to the job's own ear.

import { isRefusal } from '../domain/refusal.ts'
import type { Clock } from '../lib/clock.ts'
import { type AttemptResult, type RunningAttempt, startAttempt } from './attempt-run.ts'
import type { CandidateChoice } from './candidate-choice.ts'
import { type HedgeBudget, type HedgeOptions, hedge } from './hedge.ts'
import type { JobPlan, JobSite } from './job-plan.ts'
import type { JobHistory } from './next-step.ts'
import { untilSafe } from './row-patience.ts'
import type { Target } from './target.ts'
import type { AttemptPermit, TargetHealth } from './target-health.ts'

// While another candidate is left, no attempt may spend all the time that is.
const attemptShare = 2 / 3
// The last attempt ends a moment before the call does: who was silent must still be told, and its row be written.
const tellingMsMax = 250
const tellingShare = 1 / 20

/** The attempts of one job. */
export class AttemptStarter<Each extends Target, Result> {
  readonly #options: {
    readonly clock: Clock
    readonly health: TargetHealth
    readonly hedge?: HedgeOptions | null
  }
  readonly #choice: CandidateChoice
  readonly #hedges: HedgeBudget
  readonly #plan: JobPlan<Each>
  readonly #site: JobSite<Each, Result>
  readonly #recordings: Promise<void>[] = []
  #number = 0

  constructor(
    options: { readonly clock: Clock; readonly health: TargetHealth; readonly hedge?: HedgeOptions | null },
    choice: CandidateChoice,
    hedges: HedgeBudget,
    plan: JobPlan<Each>,
    site: JobSite<Each, Result>,
  ) {
    this.#options = options
    this.#choice = choice
    this.#hedges = hedges
    this.#plan = plan
    this.#site = site
  }

  /** One attempt, and its hedge if there is one. Never rejects; settles the permit. */
  async attempt(
    target: Each,
    permit: AttemptPermit,
    history: JobHistory,
    outputTokensMax: number | null,
  ): Promise<AttemptResult<Result>> {
    const hasOther = this.#choice.hasOther(this.#plan, target, history)
    const { hedge: hedging, clock } = this.#options
    const ear = { spoke: (): void => {} }
    const tell = (): void => ear.spoke()
    const start = { permit, ...this.#limit(hasOther), outputTokensMax, isHedge: false }
    const first = this.#start(target, start, tell)
    if (!hedging || !this.#plan.isHedgeable) return first.result
    const race = hedge(clock, hedging.afterMs, first, (signal) =>
      this.#second(target, history, outputTokensMax, tell, signal),
    )
    ear.spoke = race.spoke
    return race.result
  }

  /** Resolves when everything told of this job's attempts is safe, or the job was given up half a second ago. */
  async recorded(): Promise<void> {
    if (this.#recordings.length === 0) return
    await untilSafe(this.#options.clock, this.#plan.signal, Promise.all(this.#recordings))
  }

  // On a slot of its own, which goes back when the hedge ends. The first attempt's slot is its stay's.
  async #second(
    first: Each,
    history: JobHistory,
    outputTokensMax: number | null,
    tell: () => void,
    signal: AbortSignal,
  ): Promise<RunningAttempt<Result> | null> {
    const target = this.#choice.idleElsewhere(this.#plan, this.#site, first, history)
    if (target === null || !this.#hedges.withdraw()) return null
    const either = AbortSignal.any([signal, this.#plan.signal])
    // Given up: the first spoke, or the job is over.
    const lease = await this.#site.acquire(target, either, outputTokensMax).catch(() => null)
    if (lease === null || isRefusal(lease)) return null
    const permit = either.aborted ? null : this.#options.health.enter(target, new Set())
    if (permit === null) {
      lease.release()
      return null
    }
    const start = { permit, ...this.#limit(false), outputTokensMax, isHedge: true }
    const running = this.#start(target, start, tell)
    void running.result.then(() => lease.release())
    return running
  }

  #limit(hasOther: boolean): { readonly limitMs: () => number; readonly isDeadline: boolean } {
    const startedAt = this.#options.clock.now()
    const remainingMs = this.#plan.deadlineAt() - startedAt
    if (hasOther) return { limitMs: () => remainingMs * attemptShare, isDeadline: false }
    const tellingMs = Math.min(tellingMsMax, remainingMs * tellingShare)
    return { limitMs: () => this.#plan.deadlineAt() - startedAt - tellingMs, isDeadline: true }
  }

  #start(
    target: Each,
    start: {
      readonly permit: AttemptPermit
      readonly limitMs: () => number
      readonly isDeadline: boolean
      readonly outputTokensMax: number | null
      readonly isHedge: boolean
    },
    onFirstPart: () => void,
  ): RunningAttempt<Result> {
    const { permit, ...rest } = start
    this.#number++
    return startAttempt<Result>({
      ...rest,
      clock: this.#options.clock,
      target,
      keyIndex: permit.keyIndex,
      keyName: permit.keyName,
      number: this.#number,
      signal: this.#plan.signal,
      run: (input) => this.#site.run(target, input),
      onEnd: (end, isOurLimit, failure) => {
        permit.settle(end, isOurLimit, failure)
        const recording = this.#site.emit(end)
        if (!recording) return
        this.#recordings.push(recording)
        // A row that cannot be kept fails the job in `recorded`; until somebody waits there, it must not end the process.
        recording.catch(() => {})
      },
      onFirstPart,
    })
  }
}
