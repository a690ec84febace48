// Where a request's trace context stands in its params.

import { readTraceContext, type TraceContext } from '../../../domain/trace-context.ts'
import { isObject, type JsonObject } from '../envelope.ts'

/** The trace a request belongs to, as its `_meta` says; undefined where it says nothing sound. */
export function traceOf(params: JsonObject): TraceContext | undefined {
  const meta = params._meta
  if (!isObject(meta) || meta.traceparent === undefined) return undefined
  return readTraceContext(meta) ?? undefined
}
