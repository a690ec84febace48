// What becomes of an answer whose reader was given up because it took nothing: it is told to whoever keeps answers.

import type { Identity } from '../../domain/identity.ts'
import type { RequestId } from './envelope.ts'

/** An answer that its reader did not take. `json` is the whole JSON-RPC message. */
export interface KeptResult {
  readonly identity: Identity
  readonly door: 'http' | 'websocket'
  readonly id: RequestId
  readonly json: string
}

/** Takes it over. */
export type KeepResult = (kept: KeptResult) => void
