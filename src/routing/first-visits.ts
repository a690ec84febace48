// The first visits of jobs that leave a vendor for another one. They are paid from no budget, since leaving a vendor that is down
// multiplies nothing at one that answers. But whether that one answers is not known before somebody has heard from it: where many jobs
// leave at once, one of them looks, and the others wait a moment for its news.

import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { wait } from '../lib/wait.ts'

interface Standing {
  heardAt: number
  /** First visits that are on their way. */
  out: number
  /** Aborted when there may be news. */
  news: AbortController
}

const providersMax = 256
const freshMs = 10_000

/** First visits at all providers. */
export class FirstVisits {
  readonly #clock: Clock
  readonly #standings = new BoundedMap<string, Standing>(providersMax)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The provider answers: a part of an answer came. */
  heard(provider: string): void {
    const standing = this.#of(provider)
    standing.heardAt = this.#clock.now()
    tell(standing)
  }

  /** One begins; to be called once it is over. */
  begin(provider: string): () => void {
    const standing = this.#of(provider)
    standing.out++
    return () => {
      standing.out--
      tell(standing)
    }
  }

  /** Whether one is on its way to a provider that was not heard of late. */
  isAwaited(provider: string): boolean {
    const { out, heardAt } = this.#of(provider)
    return out > 0 && this.#clock.now() - heardAt > freshMs
  }

  /** Resolves when there may be news, or at `untilAt`. Rejects with the signal's reason. */
  async news(provider: string, untilAt: number, signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.#of(provider).news.signal])
    await wait(this.#clock, untilAt - this.#clock.now(), either).catch(() => signal.throwIfAborted())
  }

  #of(provider: string): Standing {
    return this.#standings.getOrCreate(provider, () => ({
      heardAt: Number.NEGATIVE_INFINITY,
      out: 0,
      news: new AbortController(),
    }))
  }
}

function tell(standing: Standing): void {
  standing.news.abort()
  standing.news = new AbortController()
}
