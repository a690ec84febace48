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

/** How the two ended: `winner` spoke first, or is the first where neither spoke. `second` is null where none was begun. */
interface HedgeEnd<Result> {
  readonly winner: 'first' | 'second'
  readonly first: AttemptResult<Result>
  readonly second: AttemptResult<Result> | null
}

/**
 * Waits for `first`; after `afterMs` of silence `begin` may start a second (null: not possible). The first part decides, and the other
 * loses. Where one fails before either spoke, the other goes on. `spoke` is to be called at the first part of either. Resolves when
 * both have ended: nothing is left behind. `begin` must not reject, and stops waiting when its signal is aborted.
 */
export function hedge<Result>(
  clock: Clock,
  afterMs: number,
  first: RunningAttempt<Result>,
  begin: (signal: AbortSignal) => Promise<RunningAttempt<Result> | null>,
): { spoke(): void; readonly result: Promise<HedgeEnd<Result>> } {
  const giveUp = new AbortController()
  let second: RunningAttempt<Result> | null = null
  let winner: HedgeEnd<Result>['winner'] | null = null
  let begun: Promise<unknown> = Promise.resolve()
  const silence = new Promise<null>((resolve) => {
    giveUp.signal.addEventListener('abort', () => resolve(null))
  })
  const start = async (): Promise<void> => {
    second = await begin(giveUp.signal)
    // Between its beginning and this moment the first may have spoken.
    if (winner === 'first') second?.lose()
    // Either may speak from here on; nobody waits for the silence to end any more.
    giveUp.abort()
  }
  const decide = (which: HedgeEnd<Result>['winner']): void => {
    if (winner !== null) return
    winner = which
    giveUp.abort()
    if (which === 'first') second?.lose()
    else first.lose()
  }
  const timer = clock.after(afterMs, () => {
    if (!first.hasSpoken()) begun = start()
  })
  const settle = async (): Promise<HedgeEnd<Result>> => {
    await Promise.race([first.result, silence])
    timer.cancel()
    giveUp.abort()
    await begun
    if (second === null) return { winner: 'first', first: await first.result, second: null }
    const other: RunningAttempt<Result> = second
    // An answer without a first part decides as well as a first part does.
    void first.result.then((result) => result.kind === 'done' && decide('first'))
    void other.result.then((result) => result.kind === 'done' && decide('second'))
    const [one, two] = await Promise.all([first.result, other.result])
    return { winner: winner ?? 'first', first: one, second: two }
  }
  return { spoke: () => decide(first.hasSpoken() ? 'first' : 'second'), result: settle() }
}

const earnedMax = 10
