// Calls whose answer did not reach their client, as tools come to know of them.

import type { Identity } from '../domain/identity.ts'
import type { LateFact } from './late-fact.ts'
import type { ToolResult } from './tool.ts'

/** Every client's, whoever keeps them. */
export interface LateCalls {
  /** Oldest first; empty for a caller that nothing tells from others. */
  list(identity: Identity): readonly LateFact[]
  /** The result of one, which stays claimable until its time is over; null: there is none of this client. */
  claim(identity: Identity, callId: string): ToolResult | null
}
