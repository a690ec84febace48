// What one quota group may begin over time: what is configured for its account binds first, and is one count for all groups of that
// account; what the vendor says it still takes binds as well, since others may use the same account. Its word was about the model
// that was asked, so it is the group's own. Taken when a request starts, all or none.

import type { VendorLimits } from '../domain/vendor-limits.ts'
import type { AccountDraw, AccountRates, RateFact } from './account-rates.ts'
import { type Begun, HeardLimits } from './heard-limits.ts'
import type { Ahead } from './queue-outlook.ts'
import type { QueuedJob } from './queue-tree.ts'
import type { RatesGuest, RatesJob, RatesPayer } from './rates-guest.ts'
import type { RatesLine } from './rates-line.ts'
import type { AheadInLine } from './rates-outlook.ts'
import type { RatesCharge, RatesParty } from './rates-shares.ts'

/** What one job took. */
export interface RateDraw extends AccountDraw {
  readonly begun: Begun
  /** In which line it was charged, and what; null: nobody else wants these rates. */
  readonly charged: { readonly line: RatesLine; readonly charge: RatesCharge } | null
}

/** The rates of one group. */
export class GroupRates {
  readonly #account: AccountRates
  readonly #heard = new HeardLimits()
  readonly #line: RatesLine | null
  readonly #guest: RatesGuest

  /** `line`: where other groups share the account's rates, and `guest` then stands in it for this group. */
  constructor(account: AccountRates, line: RatesLine | null = null, guest: RatesGuest = alone) {
    this.#account = account
    this.#line = line
    this.#guest = guest
  }

  /** How many wait in line before the account's rates, of all its groups; 0 where no other group shares them. */
  get inLine(): number {
    return this.#line?.waiting ?? 0
  }

  /** Whether others stand before the rates, or this group itself: then it is theirs to say whose job goes next. */
  get isLine(): boolean {
    return this.#line !== null && !this.#line.isEmpty
  }

  /**
   * Stands in line for the jobs that wait in this group, which have nothing but the account's rates to wait for; `since` is when the first
   * of them came. Answers whose turn it is; `first-come` when the first that came is; null when it is another group's.
   */
  turn(since: number): RatesPayer | 'first-come' | null {
    if (this.#line === null) return 'first-come'
    this.#line.stand(this.#guest, since)
    return this.#line.isFirst(this.#guest) ? (this.#line.payer ?? 'first-come') : null
  }

  /** The same for a further request of a job that runs: whether it goes before those of the other groups. */
  isFurtherTurn(): boolean {
    this.#line?.standFurther(this.#guest)
    return this.#line?.isFirst(this.#guest) ?? true
  }

  /** A job of that client's goes: those of its other groups are next. */
  went(payer: RatesPayer): void {
    this.#line?.went(this.#guest, payer)
  }

  /** Nothing waits in it, or something else keeps that. */
  stepAside(): void {
    this.#line?.leave(this.#guest)
  }

  /** Lets the other groups look what there is for them now. */
  passOn(): void {
    this.#line?.serve()
  }

  /** Milliseconds until a job of so many tokens may start if nobody else does; 0: now; null: never. */
  waitMs(tokens: number, now: number, wallMs: number): number | null {
    const accountMs = this.#account.waitMs(tokens, now, wallMs)
    return accountMs === null ? null : Math.max(accountMs, this.heardMs(tokens, now))
  }

  /** How much of that is for the vendor's own word. */
  heardMs(tokens: number, now: number): number {
    return this.#heard.waitMs(tokens, now)
  }

  /** The same if what runs gave back all that it has set aside: sooner than that it cannot be. Infinite: never. */
  soonestMs(tokens: number, now: number, wallMs: number): number {
    const accountMs = this.#account.soonestMs(tokens, now, wallMs)
    return accountMs === null ? Number.POSITIVE_INFINITY : Math.max(accountMs, this.heardMs(tokens, now))
  }

  /** Which rate such a job would wait for longest; null: the vendor's own word, or none. */
  scarce(tokens: number, now: number, wallMs: number): RateFact | null {
    const waits = this.#account.waits(tokens, now, wallMs)
    const longestMs = Math.max(...Object.values(waits))
    if (longestMs === 0 || longestMs < this.heardMs(tokens, now)) return null
    const isScarce = ({ unit }: RateFact): boolean =>
      unit in waits && waits[unit as keyof typeof waits] === longestMs
    return this.facts(now, wallMs).find(isScarce) ?? null
  }

  /** Milliseconds until so many jobs, of so many tokens together, have passed at this pace. A forecast, no promise. */
  queueMs(jobs: number, tokens: number, now: number): number {
    return this.#account.queueMs(jobs, tokens, now)
  }

  /** The same at the earliest. */
  leastQueueMs(jobs: number, tokens: number, now: number): number {
    return this.#account.leastQueueMs(jobs, tokens, now)
  }

  /** What goes before a job in the line of its account; null: nobody stands there. */
  aheadInLine<Job extends RatesJob>(
    job: QueuedJob<Job>,
    costs: 'slot-time' | 'tokens',
    inGroup: Ahead,
  ): AheadInLine | null {
    if (this.#line === null || this.#line.isEmpty) return null
    return this.#line.ahead(this.#guest, { job, costs, inGroup })
  }

  /** What a principal and its clients have had of what the account's groups share; null: nothing is known. */
  partyOf(principal: string): RatesParty | null {
    return this.#line?.partyOf(principal) ?? null
  }

  /** Takes what `waitMs` said fits, or counts what was begun without asking. `payer`: who is charged among the account's. */
  take(tokens: number, now: number, wallMs: number, payer: RatesPayer = nobody): RateDraw {
    const line = this.#line
    const charged = line && { line, charge: line.took(payer, tokens) }
    return { charged, ...this.#account.take(tokens, now, wallMs), begun: this.#heard.begin(tokens, now) }
  }

  /** Ends a draw: `tokens` were used. Only a request the vendor never began gives back what it refuses to refund. */
  settle(draw: RateDraw, tokens: number, isBegun: boolean): void {
    const counted = this.#account.settle(draw, tokens, isBegun)
    draw.charged?.line.settle(draw.charged.charge, counted)
  }

  /** The same draw, charged to another. */
  recharged(draw: RateDraw, payer: RatesPayer): RateDraw {
    if (draw.charged === null) return draw
    const { line, charge } = draw.charged
    return { ...draw, charged: { line, charge: line.recharge(charge, payer, draw.tokens) } }
  }

  /** What the vendor said with its answer to that draw's request. */
  hear(limits: VendorLimits, draw: RateDraw, now: number): void {
    this.#heard.hear(limits, draw.begun, now)
  }

  /** Whether the vendor's own word holds nothing back: forgetting the group gives nothing away, since the account keeps its counts. */
  isBlank(now: number): boolean {
    return this.heardMs(1, now) === 0
  }

  /** What binds now, and what is left of it. */
  facts(now: number, wallMs: number): readonly RateFact[] {
    const heard = this.#heard.facts(now)
    const said = (['requests', 'tokens'] as const).flatMap((unit): readonly RateFact[] => {
      const fact = heard[unit]
      return fact === null ? [] : [{ unit, ...fact, source: 'vendor' }]
    })
    return [...this.#account.facts(now, wallMs), ...said]
  }
}

const alone: RatesGuest = { wake: () => undefined, queue: { size: 0, clients: () => [], jobs: () => [] } }
const nobody: RatesPayer = { key: '', weight: 1, principal: { key: '', weight: 1 } }
