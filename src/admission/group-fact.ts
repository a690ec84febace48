// A quota group as operators see it: plain numbers, by principal and client.

import type { RateFact } from './account-rates.ts'
import type { CeilingFact } from './ceiling.ts'
import type { FairQueue, QueueOrder } from './fair-queue.ts'
import type { QueuedJob } from './queue-tree.ts'
import type { RatesParty } from './rates-shares.ts'
import type { Waiter } from './waiter.ts'

/** One principal's or client's part. Costs are in the group's unit: slot-milliseconds or tokens. */
interface ShareFact {
  readonly name: string
  readonly weight: number
  readonly virtualTime: number
  /** The same of the rates that groups of its account share: milliseconds of all that they allow. Null: nothing is known of it there. */
  readonly ratesTime: number | null
  readonly waiting: number
  readonly held: number
  readonly served: number
}

/**
 * A principal's part: what it may have against what it had of late, as shares of 1 among those who wait or run. A job counts when it ends,
 * and half as much every minute after: who was alone for an hour is soon seen beside a newcomer as it is.
 */
interface PrincipalFact extends ShareFact {
  readonly entitlement: number
  readonly share: number
  readonly clients: readonly ShareFact[]
}

/** A group. */
export interface GroupFact {
  /** Slots now: the ceiling's limit. */
  readonly capacity: number
  readonly ceiling: CeilingFact
  readonly rates: readonly RateFact[]
  /** What shares are counted in. */
  readonly costs: 'slot-time' | 'tokens'
  readonly held: number
  /** Of those, jobs whose next request waits for the rates. */
  readonly heldBack: number
  readonly waiting: number
  readonly order: QueueOrder
  /** Leases beyond their deadline: a leak, to stay 0. */
  readonly overdue: number
  readonly principals: readonly PrincipalFact[]
}

/** Reads a group's state at `now`. */
export function groupFact(
  queue: FairQueue<Waiter>,
  running: ReadonlySet<QueuedJob<Waiter>>,
  heldBack: number,
  ceiling: CeilingFact,
  rates: readonly RateFact[],
  costs: 'slot-time' | 'tokens',
  now: number,
  partyOf: (principal: string) => RatesParty | null = () => null,
): GroupFact {
  const nodes = [...queue.principals.values()]
  const active = nodes.filter((node) => node.jobs > 0 || node.inFlight > 0)
  const weights = active.reduce((sum, { weight }) => sum + weight, 0)
  const service = active.reduce((sum, { recent }) => sum + recent.at(now), 0)
  return {
    capacity: ceiling.limit,
    ceiling,
    rates,
    costs,
    held: running.size,
    heldBack,
    waiting: queue.size,
    order: queue.order,
    overdue: [...running].filter(({ payload }) => payload.request.deadlineAt + graceMs < now).length,
    principals: nodes.map((node) => {
      const party = partyOf(node.key)
      return {
        ...shareFact(node, party),
        entitlement: active.includes(node) ? node.weight / weights : 0,
        share: active.includes(node) && service > 0 ? node.recent.at(now) / service : 0,
        clients: [...node.clients.values()].map((client) =>
          shareFact(client, party?.clients.get(client.key)),
        ),
      }
    }),
  }
}

interface ShareNode {
  readonly key: string
  readonly weight: number
  readonly virtual: number
  readonly jobs: number
  readonly inFlight: number
  readonly served: number
}

function shareFact(node: ShareNode, inLine: { readonly virtual: number } | null | undefined): ShareFact {
  const { key, weight, virtual, jobs, inFlight, served } = node
  return {
    name: key,
    weight,
    virtualTime: Math.round(virtual),
    ratesTime: inLine ? Math.round(inLine.virtual * 60_000) : null,
    waiting: jobs,
    held: inFlight,
    served: Math.round(served),
  }
}

// Between a call's deadline and its lease's release lies its clean-up.
const graceMs = 5000
