// Where a request's trace context stands in its params, and in those of what we ask for it.

import { readTraceContext, type TraceContext, toTraceMeta } from '../../../domain/trace-context.ts'
import { isObject, type JsonObject } from '../envelope.ts'

/** The trace a request belongs to, as its `_meta` says; undefined where it says nothing sound. */
export function traceOf(params: JsonObject): TraceContext | undefined {
  const meta = params._meta
  if (!isObject(meta) || meta.traceparent === undefined) return undefined
  return readTraceContext(meta) ?? undefined
}

/** The params of a request of ours that is made for a call of this trace. */
export function inTrace(params: JsonObject, trace: TraceContext | undefined): JsonObject {
  return trace === undefined ? params : { ...params, _meta: toTraceMeta(trace) }
}
