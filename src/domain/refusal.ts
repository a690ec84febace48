// A refusal: ours, expected, a value. It says who limited, in which dimension, the limit, what is used, and when to come back.

/** Why we said no. Every surface's `wire-errors.ts` has a row for each. */
export type RefusalReason =
  | 'rate-limited' // too many requests in a minute
  | 'too-many-in-flight' // too many calls at once
  | 'too-many-clients' // the server's connection or client limit
  | 'queue-full' // no place left in a vendor's queue
  | 'would-miss-deadline' // the queue is longer than the call may last
  | 'too-large' // can never fit, however long one waits
  | 'draining' // the server is stopping

/** Whose limit it was. */
export type RefusalScope = 'client' | 'principal' | 'team' | 'server' | 'provider'

/** An expected no. `message` is one or two sentences for a model or a person; numbers are in the dimension's own unit. */
export interface Refusal {
  readonly kind: 'refusal'
  readonly reason: RefusalReason
  readonly scope: RefusalScope
  /** What was counted, for people: `requests a minute`, `calls in flight`, `jobs waiting for glm/main`. */
  readonly dimension: string
  readonly limit: number
  readonly used: number
  /** Exact time after which the same request fits if nobody else spends; null: no use in waiting. */
  readonly retryAfterMs: number | null
  readonly message: string
}

/** Narrows a permit-or-refusal. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'refusal'
}

/** Whether the first wait is the longer one; null, which no time ends, is longer than any. */
export function isLonger(waitMs: number | null, than: number | null): boolean {
  return than !== null && (waitMs === null || waitMs > than)
}
