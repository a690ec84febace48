// What this room tells the house: one event for each call that ended, and one for each that was not let in.

import type { FailureCode } from '../domain/failure.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Call, CallOptions } from './call.ts'

/** A call's single event. Durations in milliseconds. */
export type CallEvent =
  | {
      readonly type: 'call-finished'
      readonly call: Call
      readonly durationMs: number
      /** null: it went well. */
      readonly failure: FailureCode | null
      /** For the log only: vendor detail or a bug's stack. */
      readonly detail: string | null
      /** True when the work ignored its abort and was left behind: must stay 0. */
      readonly isAbandoned: boolean
    }
  | { readonly type: 'call-refused'; readonly options: CallOptions; readonly refusal: Refusal }
