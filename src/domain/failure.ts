// A failure: the world's doing, thrown. One class; the literal code says what to do about it.
//
// Where failures come from: a vendor that refuses (rate-limited … bad-request), a vendor or network that breaks
// (unreachable … provider-error), an answer that is no answer (truncated, empty-output, malformed-output,
// content-filtered), a document or path that cannot be read, and the call's own end (deadline, cancelled,
// client-gone, draining). `retryable` is decided where the facts are: by the provider that saw the reply.

import type { Refusal } from './refusal.ts'

/** What went wrong. Exhaustive: each surface maps every code. */
export type FailureCode =
  | 'concurrency-limited' // vendor: too many at once; lower the ceiling and queue again
  | 'rate-limited' // vendor: too many a minute; cool down
  | 'overloaded' // vendor: busy for everybody
  | 'quota-exhausted' // vendor: money or plan is gone; with `retryAfterMs` a quota that comes back by itself
  | 'account-blocked' // vendor: the account is locked, inactive or restricted until a person acts
  | 'credential-rejected' // vendor: this key is dead or of another region
  | 'permission-denied' // vendor: this account may not use that
  | 'model-unknown' // vendor: no such model
  | 'context-too-long' // vendor: input does not fit the model
  | 'content-filtered' // vendor: refused for its content
  | 'bad-request' // the request itself is wrong
  | 'unauthenticated' // the caller's own key is missing, unknown or revoked
  | 'unreachable' // connect, DNS or TLS failed, or the socket was reset
  | 'timeout' // no first token, or silence in mid-stream
  | 'provider-error' // vendor: 5xx or its like
  | 'truncated' // the stream ended without its terminal marker
  | 'empty-output' // the cap was reached before any content
  | 'malformed-output' // not the vendor's protocol
  | 'not-configured' // no provider is set up for this; the message says what to set
  | 'document-unreadable' // broken, encrypted, hostile or unknown file
  | 'path-not-allowed' // outside the roots, hidden, through a link, or not there
  | 'not-found' // a handle or thread that is not the caller's, or does not exist
  | 'refused' // one of our own refusals that struck inside a call; see `refusal`
  | 'deadline' // the call's own time limit
  | 'cancelled' // the caller no longer wants it
  | 'client-gone' // the connection ended
  | 'draining' // the server stops and could not wait longer
  | 'internal' // a bug of ours; the log has it under the call's id

/** What a thrower knows. Durations in milliseconds. */
export interface FailureOptions {
  /** For people and models: what happened, what was expected, what to do. Never holds a secret. */
  readonly message: string
  readonly retryable?: boolean
  /** How long the vendor asked us to stay away. */
  readonly retryAfterMs?: number
  /** For the log only: vendor code, status, excerpt; already redacted. */
  readonly detail?: string
  readonly cause?: unknown
  readonly refusal?: Refusal
  /** A vendor's verdict, not ours: whoever called is not to be blamed for it. Default false. */
  readonly isVendors?: boolean
}

/** The one failure class. `message` is public; `detail` is for the log. */
export class CallFailure extends Error {
  override readonly name: string = 'CallFailure'
  readonly code: FailureCode
  readonly retryable: boolean
  readonly retryAfterMs: number | null
  readonly detail: string | null
  readonly refusal: Refusal | null
  readonly isVendors: boolean

  constructor(code: FailureCode, options: FailureOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? false
    this.retryAfterMs = options.retryAfterMs ?? null
    this.detail = options.detail ?? null
    this.refusal = options.refusal ?? null
    this.isVendors = options.isVendors ?? false
  }
}
