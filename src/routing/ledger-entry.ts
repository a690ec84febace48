// From an attempt that is over, or an answer that cost nothing, to its row in the ledger.

import { randomUUID } from 'node:crypto'
import type { LedgerEntry } from '../ledger/ledger-row.ts'
import { ledgerUsage } from '../ledger/usage-estimate.ts'
import type { JobKind } from '../providers/provider.ts'
import type { AttemptRecord, JobRequest } from './router.ts'
import type { RoutedOutcome } from './vendor-site.ts'

/** The row of an attempt. */
export function toLedgerEntry({ end, request, inputTokens, operation }: AttemptRecord): LedgerEntry {
  const { usage, outputChars, hasBegun, outcome, target } = end
  return {
    ...whose(request),
    attemptId: end.attemptId,
    endedAtMs: end.endedAtMs,
    provider: target.provider,
    model: target.model,
    operation,
    group: target.group,
    keyName: end.keyName,
    attempt: end.number,
    outcome,
    isHedge: end.isHedge,
    durationMs: end.durationMs,
    firstPartMs: end.firstPartMs,
    usage: ledgerUsage({ usage, outputChars, hasBegun, inputTokens }),
  }
}

/** The row of an answer from the cache: no cost, and what it saved. `atMs` is wall time. */
export function toCachedEntry(
  request: JobRequest,
  { provider, model, usage }: RoutedOutcome,
  operation: JobKind,
  savedNanoUsd: bigint,
  atMs: number,
): LedgerEntry {
  return {
    ...whose(request),
    attemptId: randomUUID(),
    endedAtMs: atMs,
    provider,
    model,
    operation,
    group: 'cache',
    keyName: '',
    attempt: 0,
    outcome: 'cached',
    isHedge: false,
    durationMs: 0,
    firstPartMs: null,
    // The tokens of the answer as it was made, so that what was saved can be followed; they cost nothing here.
    usage: usage ?? {
      inputTokens: 0,
      cachedInputTokens: 0,
      outputTokens: 0,
      reasoningTokens: 0,
      source: 'none',
    },
    savedNanoUsd,
  }
}

function whose(request: JobRequest): Pick<LedgerEntry, 'callId' | 'tool' | 'team' | 'principal' | 'client'> {
  const { team, principal, client } = request.identity
  return { callId: request.callId ?? '', tool: request.tool ?? '', team, principal, client }
}
