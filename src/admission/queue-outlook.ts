// What a waiting job has before it: how many jobs, and how much work. A fluid estimate in the queue's own virtual time, at
// a cost of the waiting nodes and the job's own lane, not of the whole queue.

import { jobsOf } from './queue-order.ts'
import type { PrincipalNode, QueuedJob } from './queue-tree.ts'

/** What goes before a job. */
export interface Ahead {
  readonly jobs: number
  /** In the group's unit of cost. */
  readonly work: number
  /** How long they will hold a slot together, in milliseconds; and those of them of whose kind that is known. */
  readonly holdMs: number
  readonly knownMs: number
}

/** What a fair queue does before this waiting job. */
export function fairAhead<Payload>(
  job: QueuedJob<Payload>,
  principals: readonly PrincipalNode<Payload>[],
): Ahead {
  const { client } = job.lane
  const inPrincipal = among(client.principal.level.waiting, client, clientAhead(job))
  return among(principals, client.principal, inPrincipal)
}

/** The part of it that is its own client's. */
export function clientAhead<Payload>(job: QueuedJob<Payload>): Ahead {
  const { lane } = job
  let [jobs, work, holdMs, knownMs] = [0, 0, 0, 0]
  for (let before = job.before; before !== null; before = before.before) {
    jobs++
    work += before.estimate
    holdMs += before.holdMs
    knownMs += before.knownMs
  }
  return among(lane.client.level.waiting, lane, { jobs, work, holdMs, knownMs })
}

/** What a first-come queue does before it. */
export function firstComeAhead<Payload>(
  job: QueuedJob<Payload>,
  principals: readonly PrincipalNode<Payload>[],
): Ahead {
  let [jobs, work, holdMs, knownMs] = [0, 0, 0, 0]
  for (const each of jobsOf(principals)) {
    if (each.sequence >= job.sequence) continue
    jobs++
    work += each.estimate
    holdMs += each.holdMs
    knownMs += each.knownMs
  }
  return { jobs, work, holdMs, knownMs }
}

/** Adds to `own` what siblings do until `node` has done its own part: each up to the same virtual time, or until it is empty. */
export function among<Node extends Ahead & { virtual: number; weight: number; turn: number }>(
  siblings: readonly Node[],
  node: Node,
  own: Ahead,
): Ahead {
  const until = node.virtual + own.work / node.weight
  let { jobs, work, holdMs, knownMs } = own
  for (const sibling of siblings) {
    if (sibling === node || sibling.jobs === 0) continue
    const behind = until - sibling.virtual
    if (behind < 0) continue
    const mean = sibling.work / sibling.jobs
    const steps = mean > 0 ? (behind * sibling.weight) / mean : sibling.jobs
    // A job is begun whole: one that starts before `until` is done whole. Of two at the same time the older is first.
    const begun = Math.min(sibling.jobs, sibling.turn < node.turn ? Math.floor(steps) + 1 : Math.ceil(steps))
    jobs += begun
    work += begun * mean
    holdMs += (begun / sibling.jobs) * sibling.holdMs
    knownMs += (begun / sibling.jobs) * sibling.knownMs
  }
  return { jobs, work, holdMs, knownMs }
}
