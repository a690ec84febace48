// What a job has before it in the line for the rates of its account: jobs of all groups that stand there. A fluid estimate as that of
// `queue-outlook.ts`, in the line's own virtual time.

import type { AccountRates } from './account-rates.ts'
import type { QueueOrder } from './fair-queue.ts'
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
export interface AheadInLine extends Ahead {
  readonly waiting: number
}

interface Node extends RatesPlace {
  jobs: number
  /** Parts of a minute. */
  work: number
}

/** What `guests`, of which `mine` is one, do before a job of `mine`'s. */
export function ratesAhead<Job extends RatesJob>(
  mine: RatesGuest,
  guests: ReadonlySet<RatesGuest>,
  { job, costs, inGroup }: RatesWish<Job>,
  order: QueueOrder,
  shares: RatesShares,
  rates: AccountRates,
): AheadInLine {
  const { client } = job.lane
  const { tokens, since } = job.payload
  const parties = new Map<string, Node>()
  const siblings = new Map<string, Node>()
  // Its own jobs before it; where it stands for other groups too, they take turns.
  const own = clientAhead(job).jobs
  const turns = shares.known(client)?.guests ?? []
  let [ownElsewhere, before, waiting, work, parts] = [0, inGroup.jobs, 0, 0, 0]
  for (const guest of guests) {
    const isSooner = turns.indexOf(guest) < turns.indexOf(mine) || !turns.includes(mine)
    if (order !== 'fair' && guest !== mine) before += cameBefore(guest.queue, since)
    for (const each of guest.queue.clients()) {
      // Where work is not counted in tokens nobody knows what they take: as much as this one.
      const part = each.jobs * rates.partOf(costs === 'tokens' ? each.work / each.jobs : tokens)
      waiting += each.jobs
      work += each.work
      parts += part
      const place = shares.placeOf(each)
      add(parties, each.principal.key, place.principal, each.jobs, part)
      if (each.principal.key !== client.principal.key) continue
      add(siblings, each.key, place.client, each.jobs, part)
      if (each.key === client.key && guest !== mine)
        ownElsewhere += Math.min(each.jobs, own + (isSooner ? 1 : 0))
    }
  }
  if (order !== 'fair') return { jobs: before, work: inGroup.work, waiting }
  const node = siblings.get(client.key)
  const party = parties.get(client.principal.key)
  if (node === undefined || party === undefined) return { ...inGroup, waiting }
  const ownJobs = own + ownElsewhere
  const inClient = { jobs: ownJobs, work: ownJobs * rates.partOf(tokens) }
  const inParty = among([...siblings.values()], node, inClient)
  const ahead = among([...parties.values()], party, inParty)
  return { jobs: ahead.jobs, work: parts > 0 ? (ahead.work * work) / parts : 0, waiting }
}

function cameBefore(queue: RatesGuest['queue'], at: number): number {
  let count = 0
  for (const { payload } of queue.jobs()) if (payload.since < at) count++
  return count
}

function add(nodes: Map<string, Node>, key: string, place: RatesPlace, jobs: number, work: number): void {
  const node = nodes.get(key)
  if (node === undefined) nodes.set(key, { ...place, jobs, work })
  else {
    node.jobs += jobs
    node.work += work
  }
}
