// Starts the attempts of one job: numbers them, gives each its time limit, hedges where that is on, and hands every end to the
// health of its target and to the job's own ear.

import { isRefusal } from '../domain/refusal.ts'
import type { Clock } from '../lib/clock.ts'
import { type AttemptResult, type RunningAttempt, startAttempt } from './attempt-run.ts'
import type { CandidateChoice } from './candidate-choice.ts'
import type { Setback } from './failure-story.ts'
import { type HedgeBudget, type HedgeOptions, hedge } from './hedge.ts'
import type { AttemptLease, JobPlan, JobSite } from './job-plan.ts'
import type { JobHistory } from './next-step.ts'
import { untilSafe } from './row-patience.ts'
import { type Target, targetKey } from './target.ts'
import type { AttemptPermit, TargetHealth } from './target-health.ts'

// While another candidate is left, no attempt may spend all the time that is.
const attemptShare = 2 / 3
// The last attempt ends a moment before the call does: who was silent must still be told, and its row be written.
const tellingMsMax = 250
const tellingShare = 1 / 20

interface StarterOptions {
  readonly clock: Clock
  readonly health: TargetHealth
  readonly hedge: HedgeOptions | null
  /** A hedge is one of them. */
  readonly attemptsMax: number
}

/** What came of an attempt, and of its hedge if there was one. */
interface Tried<Each extends Target, Result> {
  readonly result: AttemptResult<Result>
  /** Whose result it is: the hedge's where it had spoken first. */
  readonly target: Each
  readonly keyIndex: number
  /** The hedge's slot, where the result is its failure: with it the job goes on there, and gives it back. */
  readonly lease: AttemptLease | null
  /** The other of the two, where it failed by itself. */
  readonly beside: Setback | null
}

interface Begun<Each extends Target, Result> {
  readonly target: Each
  readonly keyIndex: number
  readonly running: RunningAttempt<Result>
  /** A hedge's own. */
  readonly lease: AttemptLease | null
}

/** The attempts of one job. */
export class AttemptStarter<Each extends Target, Result> {
  readonly #options: StarterOptions
  readonly #choice: CandidateChoice
  readonly #hedges: HedgeBudget
  readonly #plan: JobPlan<Each>
  readonly #site: JobSite<Each, Result>
  readonly #recordings: Promise<void>[] = []
  #number = 0

  constructor(
    options: StarterOptions,
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

  /** One attempt, and its hedge if there is one, which `history` is told of. Never rejects; settles the permit. */
  async attempt(
    target: Each,
    permit: AttemptPermit,
    history: JobHistory,
    outputTokensMax: number | null,
  ): Promise<Tried<Each, Result>> {
    const hasOther = this.#choice.hasOther(this.#plan, target, history)
    const { hedge: hedging, clock } = this.#options
    const ear = { spoke: (): void => {} }
    const tell = (): void => ear.spoke()
    const start = { permit, ...this.#limit(hasOther), outputTokensMax, isHedge: false }
    const running = this.#start(target, start, tell)
    const first = { target, keyIndex: permit.keyIndex, running, lease: null }
    if (!hedging || !this.#plan.isHedgeable) return tried(first, await running.result)
    let second = null as Begun<Each, Result> | null
    const race = hedge(clock, hedging.afterMs, running, async (signal) => {
      second = await this.#second(target, history, outputTokensMax, tell, signal)
      return second?.running ?? null
    })
    ear.spoke = race.spoke
    const end = await race.result
    if (second === null || end.second === null) return tried(first, end.first)
    return end.winner === 'first'
      ? tried(first, end.first, this.#beside(second, end.second, history))
      : tried(second, end.second, this.#beside(first, end.first, history))
  }

  /** Resolves when everything told of this job's attempts is safe, or the job was given up half a second ago. */
  async recorded(): Promise<void> {
    await untilSafe(this.#options.clock, this.#plan.signal, Promise.all(this.#recordings))
  }

  // Who lost was only slower: it was not tried. What the end of the job itself has ended is no setback.
  #beside(
    { target, running }: Begun<Each, Result>,
    result: AttemptResult<Result>,
    history: JobHistory,
  ): Setback | null {
    if (running.hasLost()) history.visited.delete(targetKey(target))
    if (result.kind === 'done' || running.hasLost() || this.#plan.signal.aborted) return null
    return { target, failure: result.failure, tookMs: result.tookMs }
  }

  // On a slot of its own, which goes back when the hedge ends, unless the job goes on there. The first attempt's slot is its stay's.
  async #second(
    first: Each,
    history: JobHistory,
    outputTokensMax: number | null,
    tell: () => void,
    signal: AbortSignal,
  ): Promise<Begun<Each, Result> | null> {
    if (history.attempts >= this.#options.attemptsMax) return null
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
    history.visited.add(targetKey(target))
    history.attempts++
    const hedged = { target, keyIndex: permit.keyIndex, running, lease }
    // Whoever has spoken and has not lost was first: what it comes to is the attempt's result.
    void running.result.then((result) => {
      if (result.kind === 'done' || !running.hasSpoken() || running.hasLost()) lease.release()
    })
    return hedged
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
      onPart: () => permit.heard(),
      onFirstPart,
    })
  }
}

function tried<Each extends Target, Result>(
  { target, keyIndex, lease }: Begun<Each, Result>,
  result: AttemptResult<Result>,
  beside: Setback | null = null,
): Tried<Each, Result> {
  return { result, target, keyIndex, lease: result.kind === 'failed' ? lease : null, beside }
}
