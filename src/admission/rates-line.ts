// Who takes next of the rates that several groups of one account share. A group stands here while nothing but those rates, or
// others before it, keeps its next request from its vendor; what holds it back besides is its own affair, and holds nobody up.
//
// First whoever keeps a slot meanwhile, in order of coming; then principals by what they have had of the account's rates, for their
// weight: a hundred models asked by one key count for no more than one model asked by another. Nobody is passed by what is smaller.

import type { AccountRates } from './account-rates.ts'
import { newSharer, type Sharer, VirtualTime } from './virtual-time.ts'

/** Whose a job is. */
export interface RatesPayer {
  readonly key: string
  readonly weight: number
}

/** A group of the account. */
export interface RatesGuest {
  /** Looks again whether its next request may go: it is first in line, or there is more room. */
  wake(): void
}

/** One principal before the rates. */
interface Party extends Sharer {
  readonly key: string
  /** Its groups that stand in line, in order of coming. */
  readonly guests: RatesGuest[]
}

/** What one request was charged. Settled once. */
export interface RatesCharge {
  readonly party: Party
  readonly charged: number
}

/** The line of one account. */
export class RatesLine {
  readonly #rates: AccountRates
  readonly #level = new VirtualTime<Party>()
  readonly #parties = new Map<string, Party>()
  readonly #standing = new Map<RatesGuest, Party | 'further'>()
  readonly #further: RatesGuest[] = []
  #isChanged = false
  #isServing = false

  constructor(rates: AccountRates) {
    this.#rates = rates
  }

  /** Stands in line for a job of `payer`'s, or for a further request of one that runs; whoever does so already keeps the place. */
  stand(guest: RatesGuest, payer: RatesPayer | 'further'): void {
    const party = payer === 'further' ? payer : this.#partyOf(payer.key)
    if (party !== 'further' && payer !== 'further') party.weight = payer.weight
    if (this.#standing.get(guest) === party) return
    this.leave(guest)
    this.#standing.set(guest, party)
    if (party === 'further') this.#further.push(guest)
    else if (party.guests.push(guest) === 1) this.#level.join(party)
  }

  /** Whether it is this one's turn. */
  isFirst(guest: RatesGuest): boolean {
    return this.#first === guest
  }

  /** Waits for the rates no more. */
  leave(guest: RatesGuest): void {
    const party = this.#standing.get(guest)
    if (party === undefined) return
    if (this.#first === guest) this.#isChanged = true
    this.#standing.delete(guest)
    const guests = party === 'further' ? this.#further : party.guests
    guests.splice(guests.indexOf(guest), 1)
    if (party !== 'further' && guests.length === 0) this.#level.leave(party)
  }

  /** A request of so many tokens begins: it is charged to its principal, whether it had to stand in line or not. */
  took(principal: string, tokens: number): RatesCharge {
    const party = this.#partyOf(principal)
    this.#isChanged = true
    return { party, charged: this.#level.charge(party, this.#rates.partOf(tokens)) }
  }

  /** It is over, and so many tokens count: what was given back lets somebody go. */
  settle({ party, charged }: RatesCharge, tokens: number): void {
    this.#level.settle(party, charged, this.#rates.partOf(tokens))
    this.#isChanged = true
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

  get #first(): RatesGuest | null {
    return this.#further[0] ?? this.#level.next?.guests[0] ?? null
  }

  #partyOf(key: string): Party {
    let party = this.#parties.get(key)
    if (party === undefined) {
      if (this.#parties.size >= partiesMax) this.#forget()
      party = { ...newSharer(1), key, guests: [] }
      this.#parties.set(key, party)
    }
    return party
  }

  // Whoever has had no more than a newcomer is taken to have had would stand where it stands now; of the rest those go that lose least.
  #forget(): void {
    const idle = [...this.#parties.values()].filter(({ guests, inFlight }) => guests.length + inFlight === 0)
    const { reference } = this.#level
    const inDebt = idle.filter(({ virtual }) => virtual > reference).sort((a, b) => b.virtual - a.virtual)
    for (const party of idle) if (party.virtual <= reference) this.#parties.delete(party.key)
    for (const { key } of inDebt.slice(partiesMax / 2)) this.#parties.delete(key)
  }
}

// Beyond it only such as stand in line or have requests on their way.
const partiesMax = 512
