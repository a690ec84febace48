// What an attempt's end says about the health of the endpoint. Only the vendor's own breakage counts: neither the caller's
// faults, nor our limits, nor a vendor that answers "later" or "no" make a vendor sick.

import type { FailureCode } from '../domain/failure.ts'

/** `transport-fault` counts twice over: in the share of faults, and in a row. `ignored` proves nothing. */
export type BreakerVerdict = 'good' | 'fault' | 'transport-fault' | 'ignored'

const verdicts: Readonly<Record<FailureCode, BreakerVerdict>> = {
  unreachable: 'transport-fault',
  timeout: 'transport-fault',
  truncated: 'transport-fault',
  'provider-error': 'fault',
  'malformed-output': 'fault',
  'concurrency-limited': 'ignored',
  'rate-limited': 'ignored',
  overloaded: 'ignored',
  'quota-exhausted': 'ignored',
  'account-blocked': 'ignored',
  'credential-rejected': 'ignored',
  'permission-denied': 'ignored',
  'model-unknown': 'ignored',
  'context-too-long': 'ignored',
  'content-filtered': 'ignored',
  'bad-request': 'ignored',
  unauthenticated: 'ignored',
  'empty-output': 'ignored',
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
  return verdicts[code]
}
