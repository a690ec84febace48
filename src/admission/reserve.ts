// Quotas of tokens and money, per period, for a client, its principal and its team. Before a job all of its quotas are
// reserved or none is; after it each is settled to what was used, in the very account and period it was taken from.
//
//   reserve --> open --settle--> used      --refund--> nothing used
//                 +--- deadline and grace pass ---> counted as wholly used
//
// With worst-case amounts no interleaving spends more than a limit. In one process: two servers are two books.

import { clientKey, type Identity } from '../domain/identity.ts'
import { isLonger, type Refusal } from '../domain/refusal.ts'
import type { Clock } from '../lib/clock.ts'
import type { Amounts, Quota, QuotaUnit } from './quota.ts'
import {
  type AccountState,
  byClock,
  type Claim,
  isOver,
  PeriodAccount,
  type QuotaAccount,
  RateAccount,
  writtenAtMs,
} from './quota-account.ts'
import { quotaUsed, type Shortage } from './quota-refusals.ts'
import type { QuotaStanding } from './quota-standing.ts'

/** What is held for one job; the first of the two ends counts, later ones do nothing. */
export interface Reservation {
  /** Replaces the reserved amounts by what was used. */
  settle(used: Amounts): void
  /** Nothing was used. */
  refund(): void
  /** Gives it all back for a moment; what it answers takes it again, whatever has come between. */
  suspend(): () => void
}

/** Bounds of the book; times in milliseconds. */
export interface QuotaBookOptions {
  readonly clock: Clock
  /** How long after its job's deadline a reservation may stay open. */
  readonly graceMs: number
  /**
   * Accounts with state at once, those of earlier lives among them: empty ones make room first, then the oldest of a window, whose key
   * still binds it. None that a job holds something of goes: what is given back must come back where it was taken.
   */
  readonly accountsMax: number
}

/** The state of all accounts, by name, for a restart. */
export type QuotaSnapshot = Readonly<Record<string, AccountState>>

/** Reserves and settles. */
export class QuotaBook {
  readonly #options: QuotaBookOptions
  readonly #accounts = new Map<string, Kept>()
  readonly #open = new Set<Held>()
  #restored = new Map<string, AccountState>()
  #nextSweepAt = 0
  #expired = 0

  constructor(options: QuotaBookOptions) {
    this.#options = options
  }

  /** Reserves `amounts` in all `quotas`, or says which one lacks room longest and changes none. */
  reserve(
    identity: Identity,
    quotas: readonly Quota[],
    amounts: Amounts,
    deadlineAt: number,
  ): Reservation | Refusal {
    const now = this.#options.clock.now()
    if (now >= this.#nextSweepAt) this.#sweep(now)
    let worst: Shortage | null = null
    const wanted: Wanted[] = []
    for (const quota of quotas) {
      if (quota.scope === 'team' && identity.team === null) continue
      const name = nameOf(identity, quota)
      const account = this.#find(name, quota)
      const amount = amounts[quota.unit]
      const roomMs = account.waitMs(amount, quota.limit)
      wanted.push({ name, quota })
      if (roomMs === 0) continue
      const [used, reserved] = [account.used(), account.reserved()]
      // Only other jobs are in its way, and the first of them ends long before the period does.
      const isHeldUp = roomMs !== null && reserved > 0 && used - reserved + amount <= quota.limit
      const waitMs = isHeldUp ? Math.min(roomMs, this.#firstEndMs(account, now)) : roomMs
      if (worst === null || isLonger(waitMs, worst.waitMs))
        worst = { quota, used, reserved, isHeldUp, waitMs }
    }
    if (worst) return quotaUsed(identity, worst, amounts, this.#options.clock.wallMs())
    return new Held(() => this.#keep(wanted), amounts, deadlineAt + this.#options.graceMs, this.#open)
  }

  /** Reservations neither settled nor refunded; 0 when idle. */
  get open(): number {
    return this.#open.size
  }

  /** Reservations that nobody ended in time: a leak, to stay 0. */
  get expired(): number {
    return this.#expired
  }

  /** Where these quotas stand for this caller now. */
  standing(identity: Identity, quotas: readonly Quota[]): readonly QuotaStanding[] {
    return quotas.map((quota) => {
      const account = this.#find(nameOf(identity, quota), quota)
      return { ...quota, used: account.used(), wholeInMs: account.wholeInMs() }
    })
  }

  /** What is in use, by account: `principal tokens day anna`. Limits are those of the last reservation. */
  inspect(): Readonly<Record<string, { readonly limit: number; readonly used: number }>> {
    const live = [...this.#accounts].filter(([, { account }]) => !account.isEmpty())
    return Object.fromEntries(
      live.map(([name, { quota, account }]) => [name, { limit: quota.limit, used: account.used() }]),
    )
  }

  /** The state for a restart: what is reserved counts as spent, since nobody may live to settle it. */
  snapshot(): QuotaSnapshot {
    const live = [...this.#accounts].filter(([, { account }]) => !account.isEmpty())
    return Object.fromEntries([
      ...this.#restored,
      ...live.map(([name, { account }]) => [name, account.state()] as const),
    ])
  }

  /** Takes up an earlier life, as far as there is room, before any reservation. Answers what the clock said at least when it was written. */
  restore(snapshot: QuotaSnapshot): number {
    const wallMs = this.#options.clock.wallMs()
    const live = Object.entries(snapshot).filter(([name, state]) => !isOver(state, periodIn(name), wallMs))
    this.#restored = new Map(live.map(([name, state]) => [name, byClock(state, periodIn(name), wallMs)]))
    this.#shrinkTo(this.#options.accountsMax, new Set())
    return Math.max(0, ...live.map(([name, state]) => writtenAtMs(state, periodIn(name))))
  }

  // The account as it is, or would be: whoever only looks, or is refused, leaves none behind but one of an earlier life, which must see
  // for itself how time passes and the clock moves.
  #find(name: string, quota: Quota): QuotaAccount {
    const known = this.#accounts.get(name)
    if (known) return known.account
    const state = this.#restored.get(name)
    const { clock } = this.#options
    const account =
      quota.period === 'minute'
        ? new RateAccount(clock, quota.limit, state?.kind === 'rate' ? state : null)
        : new PeriodAccount(clock, quota.period, state?.kind === 'period' ? state : null)
    if (this.#restored.delete(name)) this.#accounts.set(name, { quota, account })
    return account
  }

  // All accounts of one reservation, in the book from here on. Asked again they may be others: while nothing of one was held it may
  // have made room.
  #keep(wanted: readonly Wanted[]): readonly Kept[] {
    this.#makeRoom(new Set(wanted.map(({ name }) => name)))
    return wanted.map(({ name, quota }) => {
      const kept = { quota, account: this.#find(name, quota) }
      // Whoever was used last stands last.
      this.#accounts.delete(name)
      this.#accounts.set(name, kept)
      return kept
    })
  }

  // When the first of those that hold some of it has to be over, at the latest.
  #firstEndMs(account: QuotaAccount, now: number): number {
    const ends = [...this.#open]
      .filter((held) => held.accounts().includes(account))
      .map(({ expiresAt }) => expiresAt)
    return Math.max(leastWaitMs, Math.min(...ends) - this.#options.graceMs - now)
  }

  #sweep(now: number): void {
    this.#nextSweepAt = now + sweepEveryMs
    for (const held of this.#open) {
      if (now < held.expiresAt) continue
      this.#expired++
      held.expire()
    }
  }

  #makeRoom(names: ReadonlySet<string>): void {
    const places = [...names].filter((name) => !this.#accounts.has(name)).length
    if (places > 0) this.#shrinkTo(this.#options.accountsMax - places, names)
  }

  get #size(): number {
    return this.#accounts.size + this.#restored.size
  }

  // Keys and teams are as many as there are; windows may call themselves anything, so theirs are those that go: of the key that has most,
  // the one used longest ago. Never one of those that room is made for, or that an open reservation stands on.
  #shrinkTo(sizeMax: number, names: ReadonlySet<string>): void {
    if (this.#size <= sizeMax) return
    const stoodOn = new Set([...this.#open].flatMap((held) => held.accounts()))
    // Those of an earlier life were used before all others.
    const idle = [...this.#restored.keys()]
    for (const [name, { account }] of this.#accounts) {
      if (names.has(name) || stoodOn.has(account)) continue
      if (account.isEmpty()) this.#accounts.delete(name)
      else idle.push(name)
    }
    const ofWindows = idle.filter((name) => name.startsWith('client '))
    const windows = Map.groupBy(ofWindows, (name) => name.slice(0, name.indexOf('\n')))
    while (this.#size > sizeMax) {
      const most = [...windows.values()].reduce((a, b) => (b.length > a.length ? b : a), [])
      const first = most.shift()
      if (first === undefined) return
      this.#accounts.delete(first)
      this.#restored.delete(first)
    }
  }
}

/** An account in the book, and the quota it was last reserved for. */
interface Kept {
  readonly quota: Quota
  readonly account: QuotaAccount
}

interface Wanted {
  readonly name: string
  readonly quota: Quota
}

interface Taken {
  readonly claim: Claim
  readonly account: QuotaAccount
  readonly unit: QuotaUnit
}

class Held implements Reservation {
  readonly expiresAt: number
  readonly #keep: () => readonly Kept[]
  readonly #amounts: Amounts
  readonly #open: Set<Held>
  #claims: readonly Taken[]

  /** `keep` answers the accounts, which stay in the book as long as this is open. */
  constructor(keep: () => readonly Kept[], amounts: Amounts, expiresAt: number, open: Set<Held>) {
    this.#keep = keep
    this.#amounts = amounts
    this.expiresAt = expiresAt
    this.#open = open
    this.#claims = this.#take()
  }

  settle(used: Amounts): void {
    if (!this.#open.delete(this)) return
    for (const { claim, unit } of this.#claims) claim.close(used[unit])
  }

  refund(): void {
    this.settle(nothing)
  }

  suspend(): () => void {
    if (!this.#open.has(this)) return () => {}
    this.refund()
    return () => {
      this.#claims = this.#take()
    }
  }

  accounts(): readonly QuotaAccount[] {
    return this.#claims.map(({ account }) => account)
  }

  expire(): void {
    this.settle(this.#amounts)
  }

  #take(): readonly Taken[] {
    const taken = this.#keep().map(({ account, quota: { unit } }) => ({
      claim: account.take(this.#amounts[unit]),
      account,
      unit,
    }))
    this.#open.add(this)
    return taken
  }
}

const nothing: Amounts = { tokens: 0, 'micro-dollars': 0 }
const sweepEveryMs = 1000
const leastWaitMs = 1000

function nameOf(identity: Identity, { scope, unit, period }: Quota): string {
  const owner = { client: clientKey(identity), principal: identity.principal, team: identity.team }[scope]
  return `${scope} ${unit} ${period} ${owner}`
}

// A name that is none of ours is kept: it says nothing to anybody.
function periodIn(name: string): Quota['period'] {
  const word = name.split(' ')[2]
  return word === 'day' || word === 'month' ? word : 'minute'
}
