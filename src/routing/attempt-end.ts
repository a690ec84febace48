// How an attempt ended: the one fact that the ledger, the log and the health of targets are told, exactly once each.

import type { FailureCode } from '../domain/failure.ts'
import type { Usage } from '../providers/provider.ts'
import type { Target } from './target.ts'

/** `hedge-lost`: the other of two parallel attempts spoke first. */
export type AttemptOutcomeCode = 'done' | 'hedge-lost' | FailureCode

/** One attempt, over. Durations in milliseconds. */
export interface AttemptEnd {
  /** Unique for ever: the ledger's key. */
  readonly attemptId: string
  /** Within its job, from 1. */
  readonly number: number
  readonly target: Target
  readonly keyName: string
  readonly outcome: AttemptOutcomeCode
  readonly isHedge: boolean
  /** Wall clock, when it ended. */
  readonly endedAtMs: number
  readonly durationMs: number
  /** Whether the vendor had begun to answer, and so to bill, even if no part of the answer came; or may have, when we hung up on it. */
  readonly hasBegun: boolean
  /** null: it never spoke. */
  readonly firstPartMs: number | null
  /** As the vendor counted; null: it did not say. */
  readonly usage: Usage | null
  /** Characters of output that arrived, for an estimate where the vendor did not count. */
  readonly outputChars: number
  readonly outputTokensMax: number | null
}
