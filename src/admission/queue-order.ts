// Questions about all that waits in a queue tree: who came first, and who must go when it is full. Each walks the waiting
// nodes, never the jobs.

import type { ClientNode, Lane, PrincipalNode, QueuedJob } from './queue-tree.ts'

/** The job whose turn it is among those of one client; null when it does not wait. */
export function firstOf<Payload>(client: ClientNode<Payload> | null | undefined): QueuedJob<Payload> | null {
  return client?.level.next?.oldest ?? null
}

/** The oldest job of all, whoever it belongs to. */
export function firstCome<Payload>(principals: readonly PrincipalNode<Payload>[]): QueuedJob<Payload> | null {
  let first: QueuedJob<Payload> | null = null
  for (const lane of lanesOf(principals)) {
    if (lane.oldest && (first === null || lane.oldest.sequence < first.sequence)) first = lane.oldest
  }
  return first
}

/**
 * The newest job of the child most over its share: of the principals, then of that principal's clients, the one with the
 * most jobs for its weight, counting one more for `client`. Null when that is the new job itself. Equals keep their place.
 */
export function mostOverShare<Payload>(
  principals: readonly PrincipalNode<Payload>[],
  principal: PrincipalNode<Payload>,
  client: ClientNode<Payload>,
): QueuedJob<Payload> | null {
  const longest = longestOf(principals, principal)
  const longestClient = longestOf(longest.level.waiting, longest === principal ? client : null)
  if (longestClient === null || longestClient === client) return null
  let newest: QueuedJob<Payload> | null = null
  for (const lane of longestClient.level.waiting) {
    if (lane.newest && (newest === null || lane.newest.sequence > newest.sequence)) newest = lane.newest
  }
  return newest
}

function longestOf<Node extends { jobs: number; weight: number }, Newcomer extends Node | null>(
  nodes: readonly Node[],
  newcomer: Newcomer,
): Node | Newcomer {
  let longest: Node | Newcomer = newcomer
  let most = newcomer === null ? -1 : (newcomer.jobs + 1) / newcomer.weight
  for (const node of nodes) {
    if (node.jobs / node.weight <= most) continue
    longest = node
    most = node.jobs / node.weight
  }
  return longest
}

/** Every job that waits. */
export function* jobsOf<Payload>(
  principals: readonly PrincipalNode<Payload>[],
): Generator<QueuedJob<Payload>> {
  for (const lane of lanesOf(principals)) for (let job = lane.oldest; job !== null; job = job.after) yield job
}

/** Every client that waits. */
export function* clientsOf<Payload>(
  principals: readonly PrincipalNode<Payload>[],
): Generator<ClientNode<Payload>> {
  for (const principal of principals) yield* principal.level.waiting
}

function* lanesOf<Payload>(principals: readonly PrincipalNode<Payload>[]): Generator<Lane<Payload>> {
  for (const client of clientsOf(principals)) yield* client.level.waiting
}
