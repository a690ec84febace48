// What an attempt's end says about the health of the endpoint. Only the vendor's own breakage counts: neither the caller's
// faults, nor our limits, nor a vendor that answers "later" or "no" make a vendor sick.

import type { FailureCode } from '../domain/failure.ts'
import type { AttemptOutcomeCode } from './attempt-end.ts'

/** `transport-fault` counts twice over: in the share of faults, and in a row. `ignored` proves nothing. */
export type BreakerVerdict = 'good' | 'fault' | 'transport-fault' | 'ignored'

// `answered`: ignored as well, but whoever says so does not hang.
const verdicts: Readonly<Record<FailureCode, BreakerVerdict | 'answered'>> = {
  unreachable: 'transport-fault',
  timeout: 'transport-fault',
  truncated: 'transport-fault',
  'provider-error': 'fault',
  'malformed-output': 'fault',
  'concurrency-limited': 'answered',
  'rate-limited': 'answered',
  overloaded: 'answered',
  'quota-exhausted': 'answered',
  'account-blocked': 'answered',
  'credential-rejected': 'answered',
  'permission-denied': 'answered',
  'model-unknown': 'answered',
  'context-too-long': 'answered',
  'content-filtered': 'answered',
  'bad-request': 'answered',
  unauthenticated: 'ignored',
  'empty-output': 'answered',
  'not-configured': 'ignored',
  'document-unreadable': 'ignored',
  'path-not-allowed': 'ignored',
  'not-found': 'ignored',
  refused: 'ignored',
  deadline: 'ignored',
  cancelled: 'ignored',
  'client-gone': 'ignored',
  draining: 'ignored',
  internal: 'ignored',
}

/** The verdict of a failed attempt. */
export function verdictOf(code: FailureCode): BreakerVerdict {
  const verdict = verdicts[code]
  return verdict === 'answered' ? 'ignored' : verdict
}

/** Whether the vendor said something, be it an error: then it is not silent. */
export function hasAnswered(outcome: AttemptOutcomeCode): boolean {
  if (outcome === 'done') return true
  const verdict = outcome === 'hedge-lost' ? 'ignored' : verdicts[outcome]
  return verdict === 'answered' || verdict === 'fault'
}
