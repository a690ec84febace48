// The tree behind a fair queue: principals, their clients, and in each client two lanes of jobs, first in first out.
//
//      root -- principal (by weight) -- client (equally) -- lane (interactive, batch; by weight) -- job, job, job
//
// Every inner node counts the jobs and the work that wait below it, so that bounds and outlooks cost no walk.

import { RecentService } from './recent-service.ts'
import { newSharer, type Sharer, VirtualTime } from './virtual-time.ts'

/** Which lane a job waits in: somebody looks on, or nobody does. */
export type JobClass = 'interactive' | 'batch'

/** A job in the queue or in flight. `charges` are the virtual charges of lane, client and principal. */
export interface QueuedJob<Payload> {
  readonly payload: Payload
  /** Whose it is; another's when its payer leaves and somebody else waits for it. */
  lane: Lane<Payload>
  /** Order of arrival, kept when the job is put back. */
  readonly sequence: number
  /** Expected cost in the group's unit. */
  estimate: number
  /** How long it will hold a slot, in milliseconds; `knownMs` is 0 where nothing is known of its kind. */
  holdMs: number
  readonly knownMs: number
  readonly bytes: number
  /** Monotonic milliseconds; grows when somebody with more time waits for it too. */
  deadlineAt: number
  state: 'waiting' | 'in-flight' | 'gone'
  charges: readonly [number, number, number]
  before: QueuedJob<Payload> | null
  after: QueuedJob<Payload> | null
}

/** What is expected of a job: its cost in the group's unit, and how long it will hold a slot, in milliseconds. */
export interface JobEstimate {
  readonly estimate: number
  readonly holdMs: number
}

/** Counts below a node. */
interface Counts {
  jobs: number
  work: number
  holdMs: number
  knownMs: number
}

const nothing: Counts = { jobs: 0, work: 0, holdMs: 0, knownMs: 0 }

/** One class of one client's jobs. */
export interface Lane<Payload> extends Sharer, Counts {
  readonly client: ClientNode<Payload>
  oldest: QueuedJob<Payload> | null
  newest: QueuedJob<Payload> | null
}

/** A client of one principal. */
export interface ClientNode<Payload> extends Sharer, Counts {
  readonly key: string
  readonly principal: PrincipalNode<Payload>
  readonly lanes: Record<JobClass, Lane<Payload> | null>
  readonly level: VirtualTime<Lane<Payload>>
  bytes: number
  /** Cost settled so far, for people. */
  served: number
}

/** A principal. */
export interface PrincipalNode<Payload> extends Sharer, Counts {
  readonly key: string
  readonly clients: Map<string, ClientNode<Payload>>
  readonly level: VirtualTime<ClientNode<Payload>>
  bytes: number
  /** Monotonic milliseconds since which it neither waits nor runs. */
  idleSince: number
  served: number
  /** The same of late: what a share of now is made of. */
  readonly recent: RecentService
}

/** A principal without clients. */
export function newPrincipal<Payload>(key: string): PrincipalNode<Payload> {
  return {
    ...newSharer(1),
    key,
    clients: new Map(),
    level: new VirtualTime(),
    bytes: 0,
    idleSince: 0,
    ...nothing,
    served: 0,
    recent: new RecentService(),
  }
}

/** A client without lanes. */
export function newClient<Payload>(key: string, principal: PrincipalNode<Payload>): ClientNode<Payload> {
  return {
    ...newSharer(1),
    key,
    principal,
    lanes: { interactive: null, batch: null },
    level: new VirtualTime(),
    bytes: 0,
    ...nothing,
    served: 0,
  }
}

/** The lane of a class, made on first use. */
export function laneOf<Payload>(client: ClientNode<Payload>, jobClass: JobClass): Lane<Payload> {
  const known = client.lanes[jobClass]
  if (known) return known
  const lane: Lane<Payload> = {
    ...newSharer(laneWeights[jobClass]),
    client,
    oldest: null,
    newest: null,
    ...nothing,
  }
  client.lanes[jobClass] = lane
  return lane
}

// Batch is not starved: it has a fifth of what its own client gets while both wait.
const laneWeights: Readonly<Record<JobClass, number>> = { interactive: 4, batch: 1 }

/** Links a job into its lane, by order of arrival, and counts it on every node above. */
export function link<Payload>(job: QueuedJob<Payload>): void {
  const { lane } = job
  let before = lane.newest
  while (before !== null && before.sequence > job.sequence) before = before.before
  job.before = before
  job.after = before === null ? lane.oldest : before.after
  if (job.before) job.before.after = job
  else lane.oldest = job
  if (job.after) job.after.before = job
  else lane.newest = job
  count(job, 1)
}

/** Takes a job out of its lane and out of every count. */
export function unlink<Payload>(job: QueuedJob<Payload>): void {
  const { lane } = job
  if (job.before) job.before.after = job.after
  else lane.oldest = job.after
  if (job.after) job.after.before = job.before
  else lane.newest = job.before
  job.before = null
  job.after = null
  count(job, -1)
}

/** Expects another cost and another time of a waiting job, on every node above. */
export function reestimate<Payload>(job: QueuedJob<Payload>, { estimate, holdMs }: JobEstimate): void {
  const { client } = job.lane
  for (const node of [job.lane, client, client.principal]) {
    node.work += estimate - job.estimate
    node.holdMs += holdMs - job.holdMs
  }
  job.estimate = estimate
  job.holdMs = holdMs
}

function count<Payload>(job: QueuedJob<Payload>, sign: 1 | -1): void {
  const { client } = job.lane
  for (const node of [job.lane, client, client.principal]) {
    node.jobs += sign
    // Sums of fractions drift: an empty node says exactly 0.
    const isEmpty = node.jobs === 0
    node.work = isEmpty ? 0 : node.work + sign * job.estimate
    node.holdMs = isEmpty ? 0 : node.holdMs + sign * job.holdMs
    node.knownMs = isEmpty ? 0 : node.knownMs + sign * job.knownMs
  }
  client.bytes += sign * job.bytes
  client.principal.bytes += sign * job.bytes
}
