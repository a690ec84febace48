// A hedge: when an attempt stays silent for long, a second one is begun elsewhere, and whoever speaks first is kept. Off unless
// configured, because the loser's tokens are billed. Never a way round a limit: the second needs an idle slot and a budget.

import type { Clock } from '../lib/clock.ts'
import type { AttemptResult, RunningAttempt } from './attempt-run.ts'

/** When and how much to hedge. */
export interface HedgeOptions {
  /** Silence after which the second attempt begins, in milliseconds: about the 95th percentile of the first part. */
  readonly afterMs: number
  /** Hedges as a share of jobs, 0.02 to 0.05. */
  readonly share: number
}

/** Hedges earned by jobs. */
export class HedgeBudget {
  readonly #share: number
  #earned = 0

  constructor(share: number) {
    this.#share = share
  }

  /** One more job that might be hedged. */
  deposit(): void {
    this.#earned = Math.min(earnedMax, this.#earned + this.#share)
  }

  /** Whether one hedge may be begun. */
  withdraw(): boolean {
    if (this.#earned < 1 - 1e-9) return false
    this.#earned = Math.max(0, this.#earned - 1)
    return true
  }
}

/**
 * Waits for `first`; after `afterMs` of silence `begin` may start a second (null: not possible now). The first part decides, and the
 * other loses. Where one fails before either spoke, the other goes on. Resolves when both have ended: nothing is left behind.
 * `onSpeak` of both attempts must call the returned `spoke`.
 */
export function hedge<Result>(
  clock: Clock,
  afterMs: number,
  first: RunningAttempt<Result>,
  begin: () => RunningAttempt<Result> | null,
): { spoke(): void; readonly result: Promise<AttemptResult<Result>> } {
  let second: RunningAttempt<Result> | null = null
  const settle = async (): Promise<AttemptResult<Result>> => {
    const firstResult = await Promise.race([first.result, silence])
    timer.cancel()
    if (firstResult !== null && second === null) return firstResult
    const other = second
    if (other === null) return first.result
    // An answer without a first part decides as well as a first part does.
    void first.result.then((result) => result.kind === 'done' && other.lose())
    void other.result.then((result) => result.kind === 'done' && first.lose())
    const [one, two] = await Promise.all([first.result, other.result])
    return one.kind === 'failed' && (two.kind === 'done' || !first.hasSpoken) ? two : one
  }
  let endSilence: (value: null) => void = () => {}
  const silence = new Promise<null>((resolve) => {
    endSilence = resolve
  })
  const timer = clock.after(afterMs, () => {
    if (first.hasSpoken) return
    second = begin()
    endSilence(null)
  })
  return {
    spoke: () => {
      if (second === null) return
      if (first.hasSpoken) second.lose()
      else if (second.hasSpoken) first.lose()
    },
    result: settle(),
  }
}

const earnedMax = 10
