// Requests beyond the first on leases that are held: retries, and operations of several requests. The vendor counts each of them, so
// they wait for the rates like any other; first come, first served, and before every job that has no slot yet, since each keeps a
// slot from them meanwhile. Bounded by the slots of the group. Whoever owns it calls `serve` when time has passed or something has
// changed.

import type { Refusal } from '../domain/refusal.ts'
import type { Clock } from '../lib/clock.ts'
import type { JobCosts } from './job-costs.ts'
import type { JobDraws } from './job-draws.ts'
import type { FurtherWish } from './lease.ts'
import type { QueuedJob } from './queue-tree.ts'
import { type NamedRates, ratesRefusal } from './rates-refusal.ts'
import type { Waiter } from './waiter.ts'

interface Further {
  readonly job: QueuedJob<Waiter>
  readonly wish: FurtherWish
  end(answer: Refusal | null): void
}

/** What a group's further requests depend on. */
interface FurtherOptions {
  readonly named: NamedRates
  readonly costs: JobCosts
  readonly draws: JobDraws
  readonly clock: Clock
  /** One was added or given up, and it is time to `serve`. */
  onChange(): void
}

/** The further requests of one group. */
export class FurtherRequests {
  readonly #options: FurtherOptions
  readonly #waiting: Further[] = []

  constructor(options: FurtherOptions) {
    this.#options = options
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.length
  }

  /**
   * Resolves with null when the request is counted and may go, or with why it cannot in time; rejects with the signal's reason.
   */
  ask(job: QueuedJob<Waiter>, wish: FurtherWish): Promise<Refusal | null> {
    const { signal } = wish
    if (signal.aborted) return Promise.reject(signal.reason)
    job.payload.tokens = this.#options.costs.tokensAgain(job.payload, wish.outputTokensMax)
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(further), 1)
        reject(signal.reason)
        this.#options.onChange()
      }
      const end = (answer: Refusal | null): void => {
        signal.removeEventListener('abort', onAbort)
        resolve(answer)
      }
      const further: Further = { job, wish, end }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(further)
      this.#options.onChange()
    })
  }

  /** Lets go whatever may go. Answers in how many milliseconds to look again at the latest; null: nobody waits. */
  serve(): number | null {
    const { named, draws, clock } = this.#options
    const { rates } = named
    for (;;) {
      const [next] = this.#waiting
      if (next === undefined) return null
      const { job, wish, end } = next
      const { tokens } = job.payload
      const now = clock.now()
      const refusal = ratesRefusal(named, tokens, wish.untilAt(), clock)
      const waitMs = rates.waitMs(tokens, now, clock.wallMs())
      if (refusal === null) {
        const isHeard = rates.heardMs(tokens, now) > 0
        if (isHeard) rates.stepAside()
        const isTurn = isHeard || rates.isFurtherTurn()
        if (waitMs !== 0) return waitMs
        if (!isTurn) return Math.min(lookAgainMs, wish.untilAt() + 1 - now)
      }
      rates.stepAside()
      this.#waiting.shift()
      if (refusal === null) draws.take(job)
      end(refusal)
    }
  }
}

// Others go first, and wake it; its own time may end before that.
const lookAgainMs = 10_000
