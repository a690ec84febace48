// `limits.edge:`: what a connection may do before anybody has understood a message.

import type { z } from 'zod'
import { type EdgeLimits, edgeDefaults, principalShare } from '../transport/edge-limits.ts'
import { dayMs, gibibyte, section, wholeNumber } from './schema-words.ts'

/** The section as written: what depends on other limits may be left out. */
export interface EdgeSection extends Omit<EdgeLimits, Derived> {
  readonly connectionsMax?: number | undefined
  readonly connectionsPerPrincipalMax?: number | undefined
  readonly unidentifiedPerAddressMax?: number | undefined
  readonly partialBytesPerPrincipalMax?: number | undefined
  readonly untakenMs?: number | undefined
}

type Derived =
  | 'connectionsMax'
  | 'connectionsPerPrincipalMax'
  | 'unidentifiedPerAddressMax'
  | 'partialBytesPerPrincipalMax'
  | 'untakenMs'

const connections = wholeNumber(1, 10_000_000, 'of connections')
const bytes = wholeNumber(1_024, 1_024 * gibibyte, 'of bytes')
const time = wholeNumber(100, dayMs, 'of milliseconds')

/** The section. */
export const edgeSection: z.ZodPrefault<z.ZodType<EdgeSection>> = section({
  connectionsMax: connections.optional(),
  connectionsPerPrincipalMax: connections.optional(),
  unidentifiedPerAddressMax: connections.optional(),
  headMs: time.default(edgeDefaults.headMs),
  bodyMs: time.default(edgeDefaults.bodyMs),
  partialBytesMax: bytes.default(edgeDefaults.partialBytesMax),
  partialBytesPerPrincipalMax: bytes.optional(),
  bodyBytesPerSecondMin: wholeNumber(1, gibibyte, 'of bytes a second').default(
    edgeDefaults.bodyBytesPerSecondMin,
  ),
  requestsPerConnectionMax: wholeNumber(1, 100_000, 'of requests').default(
    edgeDefaults.requestsPerConnectionMax,
  ),
  headBytesMax: wholeNumber(4_096, 1_048_576, 'of bytes').default(edgeDefaults.headBytesMax),
  headFieldsMax: wholeNumber(32, 10_000, 'of fields').default(edgeDefaults.headFieldsMax),
  untakenMs: time.optional(),
}).prefault({})

/** The limits in force: places for `maxClients` windows with some connections each, unless the section says otherwise. */
export function edgeLimitsOf(edge: EdgeSection, maxClients: number, slowReaderMs: number): EdgeLimits {
  const connectionsMax = edge.connectionsMax ?? maxClients * 4
  const perPrincipal = edge.connectionsPerPrincipalMax ?? Math.ceil(connectionsMax * principalShare)
  const unidentified = edge.unidentifiedPerAddressMax ?? Math.ceil(connectionsMax * 0.5)
  return {
    ...edge,
    connectionsMax,
    connectionsPerPrincipalMax: perPrincipal,
    unidentifiedPerAddressMax: unidentified,
    partialBytesPerPrincipalMax:
      edge.partialBytesPerPrincipalMax ?? Math.ceil(edge.partialBytesMax * principalShare),
    // After the stream's own watch, which keeps the result.
    untakenMs: edge.untakenMs ?? Math.ceil(slowReaderMs * 1.5),
  }
}

/**
 * WebSockets at once: more than one principal may have, so that the others find a place, and fewer than would fill the edge, whose no
 * a WebSocket does not understand.
 */
export function webSocketsMax({ connectionsMax, connectionsPerPrincipalMax }: EdgeLimits): number {
  return Math.ceil((connectionsMax + Math.min(connectionsMax, connectionsPerPrincipalMax)) / 2)
}
