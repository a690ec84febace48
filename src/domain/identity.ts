// Who is calling: team > principal > client. Every key that leads to a caller's data starts with the principal.

import type { ClientId, PrincipalName } from './ids.ts'

/** Who a call is made for. Never mutated: when the terms of a key change, its calls from then on get another. */
export interface Identity {
  readonly team: string | null
  readonly principal: PrincipalName
  /** null: nothing told this caller from the principal's others; it is bound by the principal's limits alone. */
  readonly client: ClientId | null
  /** A name for people, such as `api@main`; from `x-exai-label`, else derived; at most 80 characters, no control characters. */
  readonly label: string
  /** The window's project folder as `x-exai-root` claims it, absolute; null when absent or not on loopback. */
  readonly root: string | null
  /** The peer is on this machine: folders it names are folders of ours. */
  readonly isLocal: boolean
  /** True: it holds an operator's key, and on this machine speaks for its owner. */
  readonly isOperator?: boolean
}

/** The key of a client's state: principal first, so that equal client ids of two principals never meet. */
export function clientKey(identity: Identity): string {
  return identity.client === null ? `${identity.principal}\n` : `${identity.principal}\n${identity.client}`
}

// No claim of a client can begin so: a header may not hold a colon.
const connectionPrefix = 'ws:'

/** The client that only its connection tells from others. */
export function clientOfConnection(connectionId: string): ClientId {
  return `${connectionPrefix}${connectionId}` as ClientId
}

/** True for such a client: nobody is that client any more once the connection is closed. */
export function isOfConnection(client: ClientId): boolean {
  return client.startsWith(connectionPrefix)
}

/** The key of what a client may come back for by another connection: of one that has only its connection, the principal's. */
export function lastingKey(identity: Identity): string {
  const { client } = identity
  return clientKey(client !== null && isOfConnection(client) ? { ...identity, client: null } : identity)
}
