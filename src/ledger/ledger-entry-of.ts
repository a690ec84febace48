// Rows of the ledger for tests: said by what sets them apart.

import type { LedgerEntry } from './ledger-row.ts'

/** An attempt of ada's window that was served, but for what `more` says. */
export function ledgerEntryOf(attemptId: string, more: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    attemptId,
    callId: `call of ${attemptId}`,
    endedAtMs: Date.UTC(2026, 10, 22),
    principal: 'ada',
    team: null,
    client: 'window-1',
    tool: 'chat',
    provider: 'glm',
    model: 'glm-5.2',
    operation: 'generate',
    group: 'glm/main',
    keyName: 'glm/main#0',
    attempt: 1,
    outcome: 'done',
    isHedge: false,
    durationMs: 1000,
    firstPartMs: 100,
    usage: {
      inputTokens: 10,
      cachedInputTokens: 0,
      outputTokens: 10,
      reasoningTokens: 0,
      source: 'provider',
    },
    ...more,
  }
}
