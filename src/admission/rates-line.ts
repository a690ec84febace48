// Who takes next of the rates that several groups of one account share. A group stands here while nothing but those rates, or
// others before it, keeps its jobs from their vendor, for each client that waits in it; what holds it back besides is its own affair,
// and holds nobody up.
//
// First whoever keeps a slot meanwhile, in order of coming; then the client whose turn it is by what principals, and within them their
// clients, have had of the account's rates; its groups take turns. Nobody is passed by what is smaller.

import type { AccountRates } from './account-rates.ts'
import type { QueueOrder } from './fair-queue.ts'
import type { RatesGuest, RatesJob, RatesPayer } from './rates-guest.ts'
import { type AheadInLine, firstComeInLine, RatesOutlook, type RatesWish } from './rates-outlook.ts'
import { type RatesCharge, type RatesParty, type RatesSeat, RatesShares } from './rates-shares.ts'

/** The line of one account. */
export class RatesLine {
  readonly #shares: RatesShares
  readonly #outlook: RatesOutlook
  readonly #standing = new Map<RatesGuest, Standing>()
  readonly #further: RatesGuest[] = []
  #order: QueueOrder = 'fair'
  /** Whether there is something new for whoever is first. */
  #isChanged = false
  #isServing = false

  constructor(rates: AccountRates) {
    this.#shares = new RatesShares(rates)
    this.#outlook = new RatesOutlook(this.#shares, rates)
  }

  /** Whether nobody stands there. */
  get isEmpty(): boolean {
    return this.#standing.size + this.#further.length === 0
  }

  /** How many jobs and further requests wait there. */
  get waiting(): number {
    let { length: waiting } = this.#further
    for (const { queue } of this.#standing.keys()) waiting += queue.size
    return waiting
  }

  /** Stands in line for whoever waits in it now; who does so already keeps the place. `since`: when its first job came. */
  stand(guest: RatesGuest, since: number): void {
    this.#outlook.forget()
    const wasFirst = this.#first === guest
    if (this.#further.includes(guest)) this.leave(guest)
    const before = this.#standing.get(guest)?.seats
    const seats = new Set<RatesSeat>()
    for (const payer of guest.queue.clients()) {
      const seat = this.#shares.seatOf(payer)
      seats.add(seat)
      if (!before?.has(seat)) this.#shares.join(seat, guest)
    }
    for (const seat of before ?? []) if (!seats.has(seat)) this.#shares.leave(seat, guest)
    this.#standing.set(guest, { seats, since })
    if (wasFirst && this.#first !== guest) this.#isChanged = true
  }

  /** Stands in line for a further request of a job that runs. */
  standFurther(guest: RatesGuest): void {
    if (this.#further.includes(guest)) return
    this.leave(guest)
    this.#further.push(guest)
  }

  /** Whether it is this one's turn. */
  isFirst(guest: RatesGuest): boolean {
    return this.#first === guest
  }

  /** Whose turn it is. Null: nobody waits, or the order is first come, first served. */
  get payer(): RatesPayer | null {
    return this.#order === 'fair' ? this.#shares.next : null
  }

  /** Waits for the rates no more. */
  leave(guest: RatesGuest): void {
    this.#outlook.forget()
    if (this.#first === guest) this.#isChanged = true
    for (const seat of this.#standing.get(guest)?.seats ?? []) this.#shares.leave(seat, guest)
    this.#standing.delete(guest)
    const index = this.#further.indexOf(guest)
    if (index >= 0) this.#further.splice(index, 1)
  }

  /** A job of that client's has gone from this group: those of its other groups are next. */
  went(guest: RatesGuest, payer: RatesPayer): void {
    const seat = this.#shares.known(payer)
    if (seat?.guests.includes(guest)) seat.guests.push(...seat.guests.splice(seat.guests.indexOf(guest), 1))
  }

  /** A request of so many tokens begins: it is charged to its client, whether it had to stand in line or not. */
  took(payer: RatesPayer, tokens: number): RatesCharge {
    this.#outlook.forget()
    this.#isChanged = true
    return this.#shares.charge(this.#shares.seatOf(payer), tokens)
  }

  /** It is over, and so many tokens count: what was given back lets somebody go. */
  settle(charge: RatesCharge, tokens: number): void {
    this.#outlook.forget()
    this.#isChanged = true
    this.#shares.settle(charge, tokens)
  }

  /** It is another's from here on, who has waited for its answer as well. */
  recharge(charge: RatesCharge, payer: RatesPayer, tokens: number): RatesCharge {
    this.#shares.settle(charge, null)
    return this.took(payer, tokens)
  }

  /** Wakes whoever is first, as often as there is something new to see. Called when a group has looked through its own jobs. */
  serve(): void {
    if (this.#isServing) return
    this.#isServing = true
    while (this.#isChanged) {
      this.#isChanged = false
      this.#first?.wake()
    }
    this.#isServing = false
  }

  /** What goes before a job of `guest`'s, as far as one can know, whether or not that group stands there now. */
  ahead<Job extends RatesJob>(guest: RatesGuest, wish: RatesWish<Job>): AheadInLine {
    const guests = new Set([...this.#standing.keys(), guest])
    const ahead =
      this.#order === 'fair' ? this.#outlook.fair(guest, guests, wish) : firstComeInLine(guest, guests, wish)
    return { ...ahead, jobs: ahead.jobs + this.#further.length }
  }

  /** Fair, or first come first served, from now on. Back to `fair`, everybody begins equal. */
  setOrder(order: QueueOrder): void {
    if (this.#order === 'first-come') this.#shares.forgive()
    this.#order = order
    this.#outlook.forget()
    this.#isChanged = true
  }

  /** What a principal and its clients have had; null: nothing is known of it. */
  partyOf(principal: string): RatesParty | null {
    return this.#shares.partyOf(principal)
  }

  get #first(): RatesGuest | null {
    const [further] = this.#further
    if (further !== undefined) return further
    return this.#order === 'fair' ? (this.#shares.next?.guests[0] ?? null) : this.#firstCome
  }

  get #firstCome(): RatesGuest | null {
    let first: RatesGuest | null = null
    let least = Number.POSITIVE_INFINITY
    for (const [guest, { since }] of this.#standing) {
      if (since >= least) continue
      first = guest
      least = since
    }
    return first
  }
}

interface Standing {
  readonly seats: ReadonlySet<RatesSeat>
  readonly since: number
}
