// The site of a job whose money is counted: before it waits for a slot, and before every further attempt on that slot, what the attempt
// may cost is set aside; when the attempt has ended, what it did cost is settled. Where the budget does not cover an attempt it is not
// begun, and the job's story says so. Promises: nothing is left set aside when a stay is over; all of it is one payer's.

import { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { AttemptEnd } from './attempt-end.ts'
import type { AttemptMoney } from './attempt-money.ts'
import type { AttemptInput } from './attempt-run.ts'
import type { GroupLoad } from './balance.ts'
import type { AttemptLease, JobSite } from './job-plan.ts'
import type { Target } from './target.ts'
import type { Obstacle } from './target-health.ts'

/** Sets aside what an attempt with this output cap may cost at most, for `payer`; null: it costs nothing. */
export type SetAside<Each> = (
  target: Each,
  outputTokensMax: number | null,
  payer: Identity,
) => AttemptMoney | Refusal | null

/** What bars somebody from paying for any attempt of the job, as far as one can know before; null: nothing does. */
type BarOf = (payer: Identity) => Refusal | null

/** One attempt that is to begin, or runs, and what is set aside for it; null: it costs nothing. */
interface Share<Each> {
  readonly target: Each
  readonly outputTokensMax: number | null
  money: AttemptMoney | null
}

/** A site whose attempts are paid from a budget. */
export class PaidSite<Each extends Target, Result> implements JobSite<Each, Result> {
  readonly #site: JobSite<Each, Result>
  readonly #setAside: SetAside<Each>
  readonly #barOf: BarOf
  // All there is, and by group, as slots are: what waits for its attempt to begin there, and what runs.
  readonly #shares = new Set<Share<Each>>()
  readonly #ready = new Map<string, Share<Each>>()
  readonly #running = new Map<string, Share<Each>>()
  #payer: Identity
  #isAnswered = false

  constructor(
    site: JobSite<Each, Result>,
    setAside: SetAside<Each>,
    payer: Identity,
    barOf: BarOf = () => null,
  ) {
    this.#site = site
    this.#setAside = setAside
    this.#payer = payer
    this.#barOf = barOf
  }

  async acquire(
    target: Each,
    signal: AbortSignal,
    outputTokensMax: number | null,
  ): Promise<AttemptLease | Refusal> {
    const share = this.#open(target, outputTokensMax)
    if (isRefusal(share)) return share
    try {
      const lease = await this.#site.acquire(target, signal, outputTokensMax)
      if (isRefusal(lease)) {
        this.#release(share)
        return lease
      }
      this.#ready.set(target.group, share)
      return this.#leased(target.group, lease)
    } catch (error) {
      this.#release(share)
      throw error
    }
  }

  async ready(target: Each, signal: AbortSignal, outputTokensMax: number | null): Promise<Refusal | null> {
    return (await this.#site.ready?.(target, signal, outputTokensMax)) ?? null
  }

  async run(target: Each, input: AttemptInput): Promise<Result> {
    const { group } = target
    let share = this.#ready.get(group)
    this.#ready.delete(group)
    if (share === undefined) {
      const more = this.#open(target, input.outputTokensMax)
      if (isRefusal(more)) {
        throw new CallFailure('refused', { message: more.message, refusal: more, retryable: true })
      }
      share = more
    }
    this.#running.set(group, share)
    return this.#site.run(target, input)
  }

  /** Sets everything aside for another payer instead; or says what bars that one, and nothing has changed. */
  chargeTo(payer: Identity): Refusal | null {
    // Between attempts nothing is set aside, and yet the next one will have to be; after the answer nothing will.
    const bar = this.#shares.size > 0 || this.#isAnswered ? null : this.#barOf(payer)
    if (bar !== null) return bar
    const undo: (() => void)[] = []
    for (const share of this.#shares) {
      const { money, target, outputTokensMax } = share
      // First given back: the two may share an account.
      const resume = money?.suspend()
      const next = this.#setAside(target, outputTokensMax, payer)
      undo.unshift(() => {
        if (!isRefusal(next)) next?.release()
        share.money = money
        resume?.()
      })
      if (isRefusal(next)) {
        for (const step of undo) step()
        return next
      }
      share.money = next
    }
    this.#payer = payer
    return null
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
    if (end.outcome === 'done') this.#isAnswered = true
    const share = this.#running.get(group)
    if (share) {
      this.#shares.delete(share)
      share.money?.settle(end)
    }
    this.#running.delete(group)
    return this.#site.emit(end)
  }

  #open(target: Each, outputTokensMax: number | null): Share<Each> | Refusal {
    const money = this.#setAside(target, outputTokensMax, this.#payer)
    if (isRefusal(money)) return money
    const share = { target, outputTokensMax, money }
    this.#shares.add(share)
    return share
  }

  #release(share: Share<Each> | undefined): void {
    if (share === undefined) return
    this.#shares.delete(share)
    share.money?.release()
  }

  #leased(group: string, lease: AttemptLease): AttemptLease {
    return {
      release: () => {
        this.#release(this.#ready.get(group))
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
