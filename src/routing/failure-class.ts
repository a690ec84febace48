// Which road a failure leaves open. One table over every code: a new code does not compile until somebody decides.

import type { FailureCode } from '../domain/failure.ts'

/** What may help after a failure. */
export type FailureClass =
  | 'requeue' // too many at once: back to its place in the queue, no error shown
  | 'transient' // the same provider once if it failed quickly or is the last, then the next candidate
  | 'other-group' // this account is limited
  | 'other-account' // this account has no money, plan or quota left, or is locked: another one
  | 'other-key' // this key is dead
  | 'next-model' // this account does not get this model: another account, or another model
  | 'larger-window' // the input does not fit
  | 'double-cap' // the cap ended the answer before it began: twice the cap once, then another model
  | 'stop' // nothing helps: the caller's fault, a policy, or the call's own end

const classes: Readonly<Record<FailureCode, FailureClass>> = {
  'concurrency-limited': 'requeue',
  'rate-limited': 'other-group',
  overloaded: 'transient',
  unreachable: 'transient',
  timeout: 'transient',
  'provider-error': 'transient',
  truncated: 'transient',
  'malformed-output': 'transient',
  'quota-exhausted': 'other-account',
  'account-blocked': 'other-account',
  'credential-rejected': 'other-key',
  'permission-denied': 'next-model',
  'model-unknown': 'next-model',
  'context-too-long': 'larger-window',
  'empty-output': 'double-cap',
  refused: 'other-group',
  'content-filtered': 'stop',
  'bad-request': 'stop',
  unauthenticated: 'stop',
  'not-configured': 'stop',
  'document-unreadable': 'stop',
  'path-not-allowed': 'stop',
  'not-found': 'stop',
  deadline: 'stop',
  cancelled: 'stop',
  'client-gone': 'stop',
  draining: 'stop',
  internal: 'stop',
}

/** The class of a failure. */
export function failureClass(code: FailureCode): FailureClass {
  return classes[code]
}

/** Whether an attempt that ended so counts against a job's attempts. Not: one the vendor only sent back, and a dead key. */
export function countsAsAttempt(code: FailureCode): boolean {
  const kind = classes[code]
  return kind !== 'requeue' && kind !== 'other-key'
}

/** Whether the same job may succeed at the same target, once that is well again. */
export function timeMends({
  code,
  retryable,
}: {
  readonly code: FailureCode
  readonly retryable: boolean
}): boolean {
  const kind = classes[code]
  if (kind === 'transient') return retryable
  return kind === 'other-group' || kind === 'other-account' || kind === 'requeue'
}

/**
 * Whether the attempt after it is paid from the retry budget. Where a target is remembered as dead, or the road is short by its
 * nature, an outage cannot multiply attempts.
 */
export function costsRetryBudget(code: FailureCode): boolean {
  return mayBeOutage(code) || classes[code] === 'double-cap'
}

/** Whether its vendor may have an outage, from which going elsewhere saves the job; a cap that was too low is none. */
export function mayBeOutage(code: FailureCode): boolean {
  return classes[code] === 'transient' || classes[code] === 'other-group'
}
