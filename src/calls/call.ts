// What a call is, and how it may end. `run.ts` is the only place where one begins and ends.

import type { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import type { CallId } from '../domain/ids.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { TraceContext } from '../domain/trace-context.ts'

/** The door a call came through. */
export type Door = 'http' | 'websocket' | 'files'

/** What a surface says of a call before it begins. */
export interface CallOptions {
  readonly identity: Identity
  /** The tool's or verb's name, for events and people. */
  readonly name: string
  readonly door: Door
  /** Time limit in milliseconds; the configured default when absent. */
  readonly timeoutMs?: number | undefined
  /** Aborted by the surface when the caller leaves or cancels; its reason is a `CallFailure`. */
  readonly signal?: AbortSignal | undefined
  /** Where it stands in the caller's trace. */
  readonly trace?: TraceContext | undefined
  /** True: to end it as soon as it has begun is a fault of its client. */
  readonly isCostlyToDrop?: boolean
}

/** A call in progress. */
export interface Call {
  readonly id: CallId
  readonly identity: Identity
  readonly name: string
  readonly door: Door
  /** Monotonic milliseconds. */
  readonly startedAt: number
  readonly deadlineAt: number
  /** Aborted with a `CallFailure` of code cancelled, client-gone, deadline or draining. */
  readonly signal: AbortSignal
  readonly trace?: TraceContext | undefined
  /** Aborts `signal`; for whoever called, who cancels or leaves. Nothing, once it has ended or was aborted. */
  abort(reason: CallFailure): void
}

/** How a call ended. Never thrown: the compiler makes the surface look at all three. */
export type CallOutcome<Value> =
  | { readonly kind: 'done'; readonly value: Value }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'failed'; readonly failure: CallFailure }

/** The one life of a call: permit, deadline, abort, one finally, one event. */
export interface Calls {
  run<Value>(options: CallOptions, work: (call: Call) => Promise<Value>): Promise<CallOutcome<Value>>
  /**
   * A call that is wrong before it can begin. It counts at the front door as a call that ends at once, and as a fault of its client;
   * the refusal where there is no room for it, and then it is no fault.
   */
  wrong(options: CallOptions): Refusal | null
  /** The client broke a rule with something that is no call: a malformed or oversized message. */
  fault(identity: Identity): void
}
