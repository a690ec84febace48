// From an attempt that is over to its row in the ledger.

import type { LedgerEntry } from '../ledger/ledger-row.ts'
import { ledgerUsage } from '../ledger/usage-estimate.ts'
import type { AttemptRecord } from './router.ts'

/** The row of an attempt made for `callId` by `tool`. */
export function toLedgerEntry(
  { end, request, inputTokens }: AttemptRecord,
  callId: string,
  tool: string,
): LedgerEntry {
  const { team, principal, client } = request.identity
  const { usage, outputChars, outcome, target } = end
  return {
    attemptId: end.attemptId,
    callId,
    endedAtMs: end.endedAtMs,
    principal,
    team,
    client,
    tool,
    provider: target.provider,
    model: target.model,
    group: target.group,
    keyName: end.keyName,
    attempt: end.number,
    outcome,
    isHedge: end.isHedge,
    durationMs: end.durationMs,
    firstPartMs: end.firstPartMs,
    usage: ledgerUsage({ usage, outputChars, outcome, inputTokens }),
  }
}
