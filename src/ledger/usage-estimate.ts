// Tokens where the vendor did not count: an attempt cut short, or a server that never says. Marked as estimated, never passed off as
// counted; a counted zero stays a zero.

import type { FailureCode } from '../domain/failure.ts'
import type { Usage } from '../providers/provider.ts'
import type { LedgerUsage } from './ledger-row.ts'

/** What is known of an attempt's tokens without the vendor. */
export interface UsageFacts {
  /** As the vendor counted; null: it did not. */
  readonly usage: Usage | null
  /** Our estimate of the input, in tokens. */
  readonly inputTokens: number
  /** Characters of output that arrived. */
  readonly outputChars: number
  readonly outcome: 'done' | 'hedge-lost' | FailureCode
}

const charsPerToken = 3

// What a vendor answers without working, and so without billing; an attempt that never reached it, too.
const unbilled: ReadonlySet<string> = new Set<FailureCode>([
  'concurrency-limited',
  'rate-limited',
  'overloaded',
  'quota-exhausted',
  'credential-rejected',
  'permission-denied',
  'model-unknown',
  'context-too-long',
  'bad-request',
  'unreachable',
  'refused',
])

/** The tokens of one attempt, for its row. */
export function ledgerUsage({ usage, inputTokens, outputChars, outcome }: UsageFacts): LedgerUsage {
  if (usage !== null) return usage
  const isUnbilled = outputChars === 0 && unbilled.has(outcome)
  return {
    inputTokens: isUnbilled ? 0 : Math.ceil(inputTokens),
    cachedInputTokens: 0,
    outputTokens: Math.ceil(outputChars / charsPerToken),
    reasoningTokens: 0,
    source: isUnbilled ? 'none' : 'estimated',
  }
}
