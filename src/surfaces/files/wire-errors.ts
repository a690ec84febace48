// How our refusals and failures look to a sender of files: a status and `{"error":{"code","message"}}`. Only this file knows.

import type { CallFailure, FailureCode } from '../../domain/failure.ts'
import type { Refusal, RefusalReason } from '../../domain/refusal.ts'

/** An answer that says no. `retryAfterSeconds` becomes the header of that name. */
export interface ErrorAnswer {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly retryAfterSeconds: number | null
}

const refusalStatus: Record<RefusalReason, number> = {
  'rate-limited': 429,
  'too-many-in-flight': 429,
  'too-many-clients': 503,
  'queue-full': 503,
  'would-miss-deadline': 503,
  'too-large': 413,
  draining: 503,
}

const failureStatus: Record<FailureCode, number> = {
  'concurrency-limited': 503,
  'rate-limited': 503,
  overloaded: 503,
  'quota-exhausted': 503,
  'account-blocked': 502,
  'credential-rejected': 502,
  'permission-denied': 502,
  'model-unknown': 400,
  'context-too-long': 413,
  'content-filtered': 422,
  'bad-request': 400,
  unauthenticated: 401,
  unreachable: 502,
  timeout: 504,
  'provider-error': 502,
  truncated: 502,
  'empty-output': 502,
  'malformed-output': 502,
  'not-configured': 503,
  'document-unreadable': 422,
  'path-not-allowed': 403,
  'not-found': 404,
  refused: 503,
  internal: 500,
  deadline: 504,
  cancelled: 499,
  'client-gone': 499,
  draining: 503,
}

/** A refusal as an answer. */
export function refusalAnswer(refusal: Refusal): ErrorAnswer {
  return {
    status: refusalStatus[refusal.reason],
    code: refusal.reason,
    message: refusal.message,
    retryAfterSeconds: seconds(refusal.retryAfterMs),
  }
}

/** A failure as an answer; a refusal that struck inside the call shows as that refusal. */
export function failureAnswer(failure: CallFailure): ErrorAnswer {
  if (failure.refusal !== null) return refusalAnswer(failure.refusal)
  return {
    status: failureStatus[failure.code],
    code: failure.code,
    message: failure.message,
    retryAfterSeconds: seconds(failure.retryAfterMs),
  }
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : Math.ceil(ms / 1000)
}
