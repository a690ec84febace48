// What each principal, and each of its clients, has had of the rates that several groups of one account share: two levels of virtual
// time as in the fair queue, in parts of a minute. A hundred models asked by one window count for no more than one model asked by another.
// Bounded; it tells no time, and who stands in line for which group is `rates-line.ts`'s.

import type { AccountRates } from './account-rates.ts'
import { forgetClients, forgiveAll } from './queue-memory.ts'
import type { RatesGuest, RatesPayer, RatesWork } from './rates-guest.ts'
import { newSharer, type Sharer, VirtualTime } from './virtual-time.ts'

/** One principal before the rates. */
export interface RatesParty extends Sharer {
  readonly key: string
  readonly clients: Map<string, RatesSeat>
  readonly level: VirtualTime<RatesSeat>
  /** Its clients that wait. */
  jobs: number
}

/** One client of a principal before the rates. */
export interface RatesSeat extends Sharer {
  readonly key: string
  readonly principal: RatesParty
  /** The groups that stand in line for its jobs, in order of coming. */
  readonly guests: RatesGuest[]
  /** How many those are. */
  jobs: number
}

/** What one request was charged: virtual charges of client and principal. Settled once. */
export interface RatesCharge {
  readonly seat: RatesSeat
  readonly charges: readonly [number, number]
}

/** The shares of one account's rates. */
export class RatesShares {
  readonly #rates: AccountRates
  readonly #root = new VirtualTime<RatesParty>()
  readonly #parties = new Map<string, RatesParty>()

  constructor(rates: AccountRates) {
    this.#rates = rates
  }

  /** The client whose turn it is, of those that wait. */
  get next(): RatesSeat | null {
    return this.#root.next?.level.next ?? null
  }

  /** The seat of a client, made on first use; with the weights it has now. */
  seatOf({ key, weight, principal }: RatesPayer): RatesSeat {
    let party = this.#parties.get(principal.key)
    if (party === undefined) {
      if (this.#parties.size >= partiesMax)
        forgetClients({ clients: this.#parties, level: this.#root }, partiesMax / 2)
      party = { ...newSharer(1), key: principal.key, clients: new Map(), level: new VirtualTime(), jobs: 0 }
      this.#parties.set(party.key, party)
    }
    let seat = party.clients.get(key)
    if (seat === undefined) {
      if (party.clients.size >= clientsMax) forgetClients(party, clientsMax / 4)
      seat = { ...newSharer(1), key, principal: party, guests: [], jobs: 0 }
      party.clients.set(key, seat)
    }
    party.weight = principal.weight
    seat.weight = weight
    return seat
  }

  /** The seat of a client that has one. */
  known({ key, principal }: RatesPayer): RatesSeat | null {
    return this.#parties.get(principal.key)?.clients.get(key) ?? null
  }

  /** What is known of a principal. */
  partyOf(principal: string): RatesParty | null {
    return this.#parties.get(principal) ?? null
  }

  /** Where a client and its principal stand, or would if they came now. */
  placeOf(payer: RatesWork): { readonly client: RatesPlace; readonly principal: RatesPlace } {
    const party = this.#parties.get(payer.principal.key)
    const principal = placeIn(this.#root, party, payer.principal)
    if (party === undefined) return { client: placeIn(nobody, undefined, payer), principal }
    return { client: placeIn(party.level, party.clients.get(payer.key), payer), principal }
  }

  /** A group stands in line for a client's jobs. */
  join(seat: RatesSeat, guest: RatesGuest): void {
    const { principal } = seat
    seat.guests.push(guest)
    if (++seat.jobs > 1) return
    principal.level.join(seat)
    if (++principal.jobs === 1) this.#root.join(principal)
  }

  /** It does so no more. */
  leave(seat: RatesSeat, guest: RatesGuest): void {
    const { guests, principal } = seat
    guests.splice(guests.indexOf(guest), 1)
    if (--seat.jobs > 0) return
    principal.level.leave(seat)
    if (--principal.jobs === 0) this.#root.leave(principal)
  }

  /** A request of so many tokens begins. */
  charge(seat: RatesSeat, tokens: number): RatesCharge {
    const { principal } = seat
    const part = this.#rates.partOf(tokens)
    return { seat, charges: [principal.level.charge(seat, part), this.#root.charge(principal, part)] }
  }

  /** It is over, and so many tokens count; null: it was not this client's at all. */
  settle({ seat, charges }: RatesCharge, tokens: number | null): void {
    const { principal } = seat
    const part = tokens === null ? 0 : this.#rates.partOf(tokens)
    principal.level.settle(seat, charges[0], part)
    this.#root.settle(principal, charges[1], part)
  }

  /** Makes everybody equal from here on. */
  forgive(): void {
    forgiveAll(this.#root, [...this.#parties.values()])
  }
}

/** Where one stands at its level. */
export interface RatesPlace {
  readonly weight: number
  readonly virtual: number
  readonly turn: number
}

function placeIn<Child extends Sharer>(
  level: Pick<VirtualTime<Child>, 'reference'>,
  child: Child | undefined,
  { weight, turn }: { readonly weight: number; readonly turn: number },
): RatesPlace {
  const isNewcomer = child === undefined
  if (!isNewcomer && child.heapIndex >= 0) return { weight, virtual: child.virtual, turn: child.turn }
  // Behind its equals, who stand there already. One that has requests on their way is lifted less, and a guess is hopeful.
  const lifted = isNewcomer || child.inFlight === 0 ? level.reference : 0
  return { weight, virtual: Math.max(child?.virtual ?? 0, lifted), turn: behindAll + turn }
}

const nobody = { reference: 0 }
// More than ever began to wait.
const behindAll = 2 ** 50
// Beyond these only such as stand in line or have requests on their way.
const partiesMax = 512
const clientsMax = 64
