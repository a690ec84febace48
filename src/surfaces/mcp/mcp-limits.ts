// The bounds of the surface, from those of the server.

import type { McpLimits } from './mcp-options.ts'

/** What an operator sets of them. */
export interface McpLimitSettings {
  readonly bodyBytesMax: number
  readonly maxClients: number
  readonly edge: { readonly requestsPerConnectionMax: number }
}

/** A client has up to two sessions in memory, and one principal leaves some to the others. */
export function mcpLimits({ bodyBytesMax, maxClients, edge }: McpLimitSettings): McpLimits & {
  readonly bodyBytesMax: number
} {
  return {
    bodyBytesMax,
    sessionsMax: maxClients * 2,
    sessionsPerPrincipalMax: Math.ceil(maxClients * 1.5),
    rootsWaitMs: 10_000,
    subscriptionsMax: maxClients * 2,
    requestsPerConnectionMax: edge.requestsPerConnectionMax,
  }
}
