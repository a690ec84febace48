// What a job has before it in the line for the rates of its account: jobs of all groups that stand there. A fluid estimate as that of
// `queue-outlook.ts`, in the line's own virtual time. All that waits is counted once, and again when something has changed: whoever
// waits is told together with its neighbours.

import type { AccountRates } from './account-rates.ts'
import { type Ahead, among, clientAhead } from './queue-outlook.ts'
import type { QueuedJob } from './queue-tree.ts'
import type { RatesGuest, RatesJob } from './rates-guest.ts'
import type { RatesPlace, RatesShares } from './rates-shares.ts'

/** A job that asks what is before it. */
export interface RatesWish<Job extends RatesJob> {
  readonly job: QueuedJob<Job>
  readonly costs: 'slot-time' | 'tokens'
  /** What its own group has before it. */
  readonly inGroup: Ahead
}

/** What goes before a job, and how many wait in that line. */
export interface AheadInLine extends Pick<Ahead, 'jobs' | 'work'> {
  readonly waiting: number
}

interface Node extends RatesPlace {
  jobs: number
  /** Parts of a minute. */
  work: number
  // Slots are each group's own.
  readonly holdMs: 0
  readonly knownMs: 0
}

const empty = { jobs: 0, work: 0, holdMs: 0, knownMs: 0 } as const

interface Client extends Node {
  readonly party: Party
  /** How many of its jobs wait in each group. */
  readonly in: Map<RatesGuest, number>
}

interface Party extends Node {
  readonly byKey: Map<string, Client>
  readonly clients: Client[]
}

/** All that waits. */
interface Crowd {
  /** What it was counted for: another number, or another guest, and it is counted again. */
  readonly size: number
  readonly mine: RatesGuest
  readonly byKey: Map<string, Party>
  readonly parties: Party[]
  /** In the groups' unit of cost for a part of a minute. */
  readonly workOfPart: number
}

/** The outlook of one line. */
export class RatesOutlook {
  readonly #shares: RatesShares
  readonly #rates: AccountRates
  #crowd: Crowd | null = null

  constructor(shares: RatesShares, rates: AccountRates) {
    this.#shares = shares
    this.#rates = rates
  }

  /** Who stands there, or what they have had, has changed: the next that asks has it counted again. */
  forget(): void {
    this.#crowd = null
  }

  /** What `guests`, of which `mine` is one, do before a job of `mine`'s. */
  fair<Job extends RatesJob>(
    mine: RatesGuest,
    guests: ReadonlySet<RatesGuest>,
    { job, costs, inGroup }: RatesWish<Job>,
  ): AheadInLine {
    const { size, byKey, parties, workOfPart } = this.#crowdOf(mine, guests, costs)
    const { client } = job.lane
    const node = byKey.get(client.principal.key)?.byKey.get(client.key)
    // It has gone meanwhile.
    if (!node) return { jobs: inGroup.jobs, work: inGroup.work, waiting: size }
    // Its own jobs before it; where it stands for other groups too, they take turns, and those before `mine` have one more.
    let { jobs } = clientAhead(job)
    let turns = jobs + 1
    const seat = this.#shares.known(client)
    if (seat)
      for (const guest of seat.guests) {
        if (guest === mine) turns--
        else jobs += Math.min(turns, node.in.get(guest) ?? 0)
      }
    const inClient = { ...empty, jobs, work: jobs * this.#partOf(job.payload.tokens) }
    const inParty = among(node.party.clients, node, inClient)
    const ahead = among(parties, node.party, inParty)
    return { jobs: ahead.jobs, work: ahead.work * workOfPart, waiting: size }
  }

  #crowdOf(mine: RatesGuest, guests: ReadonlySet<RatesGuest>, costs: 'slot-time' | 'tokens'): Crowd {
    const size = sizeOf(guests)
    if (this.#crowd?.size === size && this.#crowd.mine === mine) return this.#crowd
    const crowd = this.#count(mine, guests, costs, size)
    this.#crowd = crowd
    return crowd
  }

  #count(
    mine: RatesGuest,
    guests: ReadonlySet<RatesGuest>,
    costs: 'slot-time' | 'tokens',
    size: number,
  ): Crowd {
    const byKey = new Map<string, Party>()
    const parties: Party[] = []
    let [work, parts] = [0, 0]
    for (const guest of guests) {
      for (const each of guest.queue.clients()) {
        const place = this.#shares.placeOf(each)
        let party = byKey.get(each.principal.key)
        if (party === undefined) {
          party = { ...place.principal, ...empty, byKey: new Map(), clients: [] }
          byKey.set(each.principal.key, party)
          parties.push(party)
        }
        let client = party.byKey.get(each.key)
        if (client === undefined) {
          client = { ...place.client, ...empty, party, in: new Map() }
          party.byKey.set(each.key, client)
          party.clients.push(client)
        }
        // Where work is not counted in tokens, no rate of tokens is.
        const part = each.jobs * this.#partOf(costs === 'tokens' ? each.work / each.jobs : 0)
        client.in.set(guest, each.jobs)
        for (const node of [party, client]) {
          node.jobs += each.jobs
          node.work += part
        }
        work += each.work
        parts += part
      }
    }
    return { size, mine, byKey, parties, workOfPart: parts > 0 ? work / parts : 0 }
  }

  // Where a request takes no part of anything, each counts as one.
  #partOf(tokens: number): number {
    return this.#rates.partOf(tokens) || 1
  }
}

/** The same where the order is first come, first served. */
export function firstComeInLine<Job extends RatesJob>(
  mine: RatesGuest,
  guests: ReadonlySet<RatesGuest>,
  { job, inGroup }: RatesWish<Job>,
): AheadInLine {
  let { jobs } = inGroup
  for (const guest of guests) {
    if (guest === mine) continue
    for (const { payload } of guest.queue.jobs()) if (payload.since < job.payload.since) jobs++
  }
  return { jobs, work: inGroup.work, waiting: sizeOf(guests) }
}

function sizeOf(guests: ReadonlySet<RatesGuest>): number {
  let size = 0
  for (const { queue } of guests) size += queue.size
  return size
}
