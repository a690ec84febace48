// How many requests may be under way at once on one WebSocket or in one 2025-era session. What is read from a socket at once can
// begin some hundred calls before the first answer closes its credit window: this bounds what they may hold.

import type { Refusal } from '../../../domain/refusal.ts'
import type { Exchange } from '../exchange.ts'
import type { McpSurfaceOptions } from '../mcp-options.ts'

const requestsMaxDefault = 64

/** What to answer a request for which no room is left; null where it may begin. Requests that stand alone always may. */
export function refusalInCrowd(
  exchange: Exchange,
  { limits, onCrowded }: Pick<McpSurfaceOptions, 'limits' | 'onCrowded'>,
): Refusal | null {
  if (exchange.inFlight === null) return null
  const used = exchange.inFlight.size
  const limit = limits?.requestsPerConnectionMax ?? requestsMaxDefault
  if (used < limit) return null
  onCrowded?.()
  return {
    kind: 'refusal',
    reason: 'too-many-in-flight',
    scope: 'client',
    dimension: 'requests under way on one connection',
    limit,
    used,
    retryAfterMs: null,
    message: `This connection has ${used} requests under way, and ${limit} are the most. Wait until one of them has answered, then send the next.`,
  }
}
