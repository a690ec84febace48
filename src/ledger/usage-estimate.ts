// Tokens where the vendor did not count: an attempt cut short, or a server that never says. Marked as estimated, never passed off as
// counted; a counted zero stays a zero.

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
  /** Whether the vendor had begun to answer, or had the request and was silent until we hung up. */
  readonly hasBegun: boolean
}

const charsPerToken = 3

/**
 * The tokens of one attempt, for its row. A vendor that said no (an error, a gateway's page) or dropped the connection before it began
 * has not worked and bills nothing; one that was silent until we hung up may have.
 */
export function ledgerUsage({ usage, inputTokens, outputChars, hasBegun }: UsageFacts): LedgerUsage {
  if (usage !== null) return usage
  return {
    inputTokens: hasBegun ? Math.ceil(inputTokens) : 0,
    cachedInputTokens: 0,
    outputTokens: hasBegun ? Math.ceil(outputChars / charsPerToken) : 0,
    reasoningTokens: 0,
    source: hasBegun ? 'estimated' : 'none',
  }
}
