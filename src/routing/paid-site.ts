// The site of a job whose money is counted: before it waits for a slot, and before every further attempt on that slot, what the attempt
// may cost is set aside; when the attempt has ended, what it did cost is settled. Where the budget does not cover an attempt it is not
// begun, and the job's story says so. Promises: nothing is left set aside when a stay is over.

import { CallFailure } from '../domain/failure.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { AttemptEnd } from './attempt-end.ts'
import type { AttemptMoney } from './attempt-money.ts'
import type { AttemptInput } from './attempt-run.ts'
import type { GroupLoad } from './balance.ts'
import type { AttemptLease, JobSite } from './job-plan.ts'
import type { Target } from './target.ts'
import type { Obstacle } from './target-health.ts'

/** Sets aside what an attempt with this output cap may cost at most; null: it costs nothing. */
export type SetAside<Each> = (target: Each, outputTokensMax: number | null) => AttemptMoney | Refusal | null

/** A site whose attempts are paid from a budget. */
export class PaidSite<Each extends Target, Result> implements JobSite<Each, Result> {
  readonly #site: JobSite<Each, Result>
  readonly #setAside: SetAside<Each>
  readonly #outputTokensMax: number | null
  // By group, as slots are: set aside for the attempt that is to begin there, or runs; null: it costs nothing.
  readonly #ready = new Map<string, AttemptMoney | null>()
  readonly #running = new Map<string, AttemptMoney>()

  /** `outputTokensMax`: the job's own cap, before it is doubled. */
  constructor(site: JobSite<Each, Result>, outputTokensMax: number | null, setAside: SetAside<Each>) {
    this.#site = site
    this.#outputTokensMax = outputTokensMax
    this.#setAside = setAside
  }

  async acquire(target: Each, signal: AbortSignal): Promise<AttemptLease | Refusal> {
    const money = this.#setAside(target, this.#outputTokensMax)
    if (isRefusal(money)) return money
    try {
      const lease = await this.#site.acquire(target, signal)
      if (isRefusal(lease)) {
        money?.release()
        return lease
      }
      this.#ready.set(target.group, money)
      return this.#leased(target.group, lease)
    } catch (error) {
      money?.release()
      throw error
    }
  }

  async run(target: Each, input: AttemptInput): Promise<Result> {
    const { group } = target
    let money = this.#ready.get(group)
    this.#ready.delete(group)
    if (money === undefined || input.outputTokensMax !== this.#outputTokensMax) {
      money?.release()
      const more = this.#setAside(target, input.outputTokensMax)
      if (isRefusal(more)) {
        throw new CallFailure('refused', { message: more.message, refusal: more, retryable: true })
      }
      money = more
    }
    if (money) this.#running.set(group, money)
    return this.#site.run(target, input)
  }

  load(target: Each): GroupLoad {
    return this.#site.load(target)
  }

  isCommitted(): boolean {
    return this.#site.isCommitted()
  }

  onWait(obstacle: Obstacle): void {
    this.#site.onWait?.(obstacle)
  }

  emit(end: AttemptEnd): Promise<void> | void {
    const { group } = end.target
    this.#running.get(group)?.settle(end)
    this.#running.delete(group)
    return this.#site.emit(end)
  }

  #leased(group: string, lease: AttemptLease): AttemptLease {
    return {
      release: () => {
        this.#ready.get(group)?.release()
        this.#ready.delete(group)
        lease.release()
      },
      refusedByVendor: async () => {
        const again = await lease.refusedByVendor()
        return isRefusal(again) ? again : this.#leased(group, again)
      },
    }
  }
}
