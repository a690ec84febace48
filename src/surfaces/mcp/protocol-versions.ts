// The protocol revisions this server speaks and how a message says which it is. Decided once at the edge.

import { isObject, type JsonObject } from './envelope.ts'

/** The stateless revision. */
export const modernVersion = '2026-07-28'
/** Revisions with `initialize`, newest first; the first is offered to a client that asks for one we do not know. */
export const legacyVersions: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']
/** The one revision whose clients may send several messages in one list. */
export const batchVersion = '2025-03-26'
/** What a stateless client may choose from. */
export const modernVersions: readonly string[] = [modernVersion]

/** The reserved `_meta` keys of the stateless revision. */
export const metaKey = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const

/**
 * True when a message belongs to the stateless era: its body claims a version in `_meta`, or its header names that
 * revision. A claim in the body wins, so that a contradicting header is found out instead of believed.
 */
export function isModern(params: JsonObject, header: string | undefined): boolean {
  if (header === modernVersion) return true
  const meta = params._meta
  return isObject(meta) && meta[metaKey.protocolVersion] !== undefined
}
