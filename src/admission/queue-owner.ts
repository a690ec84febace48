// Whose a job in the queue is, and the lane that this owner has in the tree. An owner is known there from its first job on.

import { forgetClients } from './queue-memory.ts'
import {
  type ClientNode,
  type JobClass,
  type Lane,
  laneOf,
  newClient,
  newPrincipal,
  type PrincipalNode,
} from './queue-tree.ts'

/** Whose a job is. */
export interface JobOwner {
  readonly principal: string
  readonly client: string
  /** Defaults to 1, as the principal's does. */
  readonly clientWeight?: number
  readonly principalWeight?: number
  readonly class: JobClass
}

/** Who wants to wait, and for how much. */
export interface JobWish extends JobOwner {
  /** Expected cost in the group's unit: slot-milliseconds or tokens. */
  readonly estimate: number
  /** How long it will hold a slot, and the same where that is known of its kind; 0 when absent. */
  readonly holdMs?: number
  readonly knownMs?: number
  readonly bytes: number
  /** Monotonic milliseconds. */
  readonly deadlineAt: number
}

/** The owner's node, which may be new, and is then unknown to the tree until `settleIn`. */
export function clientOf<Payload>(
  principals: ReadonlyMap<string, PrincipalNode<Payload>>,
  owner: JobOwner,
): ClientNode<Payload> {
  const principal = principals.get(owner.principal) ?? newPrincipal<Payload>(owner.principal)
  return principal.clients.get(owner.client) ?? newClient(owner.client, principal)
}

/** Makes the owner known, with its weights of now, and answers its lane. */
export function settleIn<Payload>(
  principals: Map<string, PrincipalNode<Payload>>,
  client: ClientNode<Payload>,
  owner: JobOwner,
): Lane<Payload> {
  const { principal } = client
  principals.set(principal.key, principal)
  if (principal.clients.size >= clientsMax && !principal.clients.has(client.key)) {
    forgetClients(principal, clientsMax / 4)
  }
  principal.clients.set(client.key, client)
  principal.weight = owner.principalWeight ?? principal.weight
  client.weight = owner.clientWeight ?? 1
  return laneOf(client, owner.class)
}

// Clients of one principal with state; beyond it only such as wait or run.
const clientsMax = 256
