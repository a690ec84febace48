// One job as the retry loop sees it: what may be tried, until when, and what the loop is lent to do it with.

import type { Refusal } from '../domain/refusal.ts'
import type { AttemptEnd } from './attempt-end.ts'
import type { AttemptInput } from './attempt-run.ts'
import type { GroupLoad } from './balance.ts'
import type { Target } from './target.ts'
import type { Obstacle } from './target-health.ts'

/** A slot of a group, held through one stay at a target. */
export interface AttemptLease {
  release(): void
  /** The vendor said "too many at once": gives the slot back, lowers the ceiling and waits again at the job's old place. */
  refusedByVendor(): Promise<AttemptLease | Refusal>
}

/** What is wanted. */
export interface JobPlan<Each extends Target> {
  /** In order of preference; the members of a step offer the same model through different groups. */
  readonly steps: readonly (readonly Each[])[]
  /** Monotonic milliseconds; asked again, for it may grow. */
  deadlineAt(): number
  /** Aborted with a `CallFailure`. */
  readonly signal: AbortSignal
  /** null where the job has no such cap. */
  readonly outputTokensMax: number | null
  /** Whose job it is, where places to wait are few. */
  readonly principal: string
  /** A conversation whose prompt cache is worth keeping; null: none. */
  readonly affinity: string | null
  /** Whether a second parallel attempt would do no harm: no tools, no files. */
  readonly isHedgeable: boolean
}

/** What the loop is lent for one job. */
export interface JobSite<Each extends Target, Result> {
  /** Waits in the group's queue, for an attempt with this cap on its output. Rejects with the signal's reason. */
  acquire(target: Each, signal: AbortSignal, outputTokensMax: number | null): Promise<AttemptLease | Refusal>
  /**
   * Waits, on the slot that is held, until the group's rates have room for an attempt with this cap; null: it may begin. At once for
   * the first. Rejects with the signal's reason.
   */
  ready?(target: Each, signal: AbortSignal, outputTokensMax: number | null): Promise<Refusal | null>
  run(target: Each, input: AttemptInput): Promise<Result>
  load(target: Each): GroupLoad
  /** True once the surface has sent what it cannot take back; for MCP never before the result. */
  isCommitted(): boolean
  /** Told when the job waits for a target to come back, for people. */
  onWait?(obstacle: Obstacle): void
  /** Told every end exactly once. What it promises is awaited before the job's own result is given out. */
  emit(end: AttemptEnd): Promise<void> | void
}
