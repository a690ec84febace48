// The first visits of jobs that leave a vendor for another one. Where that one answers they are paid from no budget, since leaving a vendor
// that is down multiplies nothing there. But whether it answers is not known before somebody has heard from it: where many jobs leave at
// once, one of them looks, and the others wait a moment for its news. Where an attempt has failed there since, who looks pays. Where one
// account alone was limited, one looks at that account: what is heard at others says nothing of it.

import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { wait } from '../lib/wait.ts'
import type { Target } from './target.ts'

interface Standing {
  heardAt: number
  /** First visits that are on their way. */
  out: number
  /** Aborted when there may be news; null: nobody waits for any. */
  news: AbortController | null
}

/** Whom a visit goes to. */
type Host = Pick<Target, 'provider' | 'accountName'>

const namesMax = 1_024
const heardMs = 10_000
// Longer than any cooldown, in which nobody can look.
const failedMs = 300_000

/** First visits at all providers. */
export class FirstVisits {
  readonly #clock: Clock
  // Of providers; of accounts only how many are on their way.
  readonly #standings = new BoundedMap<string, Standing>(namesMax)
  // Of providers, and of accounts that were limited alone.
  readonly #failedAt = new BoundedMap<string, number>(namesMax)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** It answers: a part of an answer came. */
  heard(host: Host): void {
    const vendor = this.#of(host.provider)
    const isNews = this.#isUnheard(vendor) || this.hasFailed(host)
    vendor.heardAt = this.#clock.now()
    this.#failedAt.delete(host.provider)
    this.#failedAt.delete(host.accountName)
    // Parts come many times a second, and whoever is told looks anew.
    if (isNews) tell(vendor)
  }

  /** An attempt failed as in an outage: of the whole provider, or of the account that is named. */
  failed(name: string): void {
    this.#failedAt.set(name, this.#clock.now())
  }

  /** Whether one has failed there of late, and nothing was heard since. Older news says nothing of today. */
  hasFailed({ provider, accountName }: Host): boolean {
    return this.#failedOfLate(provider) || this.#failedOfLate(accountName)
  }

  /** The providers and accounts of which the last news is a failure, while it counts. */
  get failing(): readonly string[] {
    return [...this.#failedAt.entries()].map(([name]) => name).filter((name) => this.#failedOfLate(name))
  }

  /** One begins; to be called once it is over. */
  begin({ provider, accountName }: Host): () => void {
    const vendor = this.#of(provider)
    const account = this.#of(accountName)
    vendor.out++
    account.out++
    return () => {
      vendor.out--
      account.out--
      tell(vendor)
    }
  }

  /** Whether one is on its way to where nothing was heard of late, or something has failed since. */
  isAwaited({ provider, accountName }: Host): boolean {
    const vendor = this.#of(provider)
    if (this.#isUnheard(vendor) || this.#failedOfLate(provider)) return vendor.out > 0
    return this.#failedOfLate(accountName) && this.#of(accountName).out > 0
  }

  /** Resolves when there may be news, or at `untilAt`. Rejects with the signal's reason. */
  async news({ provider }: Host, untilAt: number, signal: AbortSignal): Promise<void> {
    const standing = this.#of(provider)
    standing.news ??= new AbortController()
    const either = AbortSignal.any([signal, standing.news.signal])
    await wait(this.#clock, untilAt - this.#clock.now(), either).catch(() => signal.throwIfAborted())
  }

  #isUnheard({ heardAt }: Standing): boolean {
    return this.#clock.now() - heardAt > heardMs
  }

  #failedOfLate(name: string): boolean {
    const failedAt = this.#failedAt.get(name)
    return failedAt !== undefined && this.#clock.now() - failedAt <= failedMs
  }

  #of(name: string): Standing {
    return this.#standings.getOrCreate(name, () => ({
      heardAt: Number.NEGATIVE_INFINITY,
      out: 0,
      news: null,
    }))
  }
}

function tell(standing: Standing): void {
  standing.news?.abort()
  standing.news = null
}
