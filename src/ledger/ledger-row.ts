// One row of the ledger: one attempt, or one answer from the cache. Money is whole nano-dollars.

import type { FailureCode } from '../domain/failure.ts'
import type { JobKind } from '../providers/provider.ts'

/** How an attempt ended, and `cached` for an answer that cost nothing. */
type LedgerOutcome = 'done' | 'hedge-lost' | 'cached' | FailureCode

/** What is known when an attempt is over. Times in milliseconds; tokens as counted or estimated. */
export interface LedgerEntry {
  /** Unique for ever: the same attempt recorded twice is one row. */
  readonly attemptId: string
  readonly callId: string
  /** Wall clock. */
  readonly endedAtMs: number
  readonly principal: string
  readonly team: string | null
  readonly client: string | null
  readonly tool: string
  readonly provider: string
  readonly model: string | null
  /** What was asked for; with the model what the price is looked up by. */
  readonly operation: JobKind
  readonly group: string
  /** Which key, never the key. */
  readonly keyName: string
  readonly attempt: number
  readonly outcome: LedgerOutcome
  readonly isHedge: boolean
  readonly durationMs: number
  readonly firstPartMs: number | null
  readonly usage: LedgerUsage
  /** For `cached`: what the vendor would have charged. */
  readonly savedNanoUsd?: bigint
}

/** Tokens of an attempt; `none`: the vendor did no work that is billed. */
export interface LedgerUsage {
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
  /** As in `Usage`. */
  readonly searches?: number
  readonly source: 'provider' | 'estimated' | 'none'
}
