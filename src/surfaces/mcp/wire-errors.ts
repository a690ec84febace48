// How our refusals and failures look to an MCP client. Only this file knows. Of a tool, both become results with `isError`: a model
// reads those word for word and can act, while it never sees the data of a JSON-RPC error, and an HTTP 429 makes some
// clients give the server up. The fields go under `_meta` for programs.

import type { CallOutcome } from '../../calls/call.ts'
import type { CallFailure, FailureCode } from '../../domain/failure.ts'
import type { Refusal, RefusalReason } from '../../domain/refusal.ts'
import type { ToolResult } from '../../tools/tool.ts'
import { type JsonObject, rpcCode } from './envelope.ts'

/** A JSON-RPC error. */
export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data: JsonObject
}

/** What the caller can do about it. */
type Advice =
  | 'wait' // the same again later
  | 'change' // the same again will fail again; other arguments may not
  | 'operator' // a person has to set or pay something
  | 'none' // nobody waits for this answer any more

const refusalAdvice: Record<RefusalReason, Advice> = {
  'rate-limited': 'wait',
  'too-many-in-flight': 'wait',
  'too-many-clients': 'wait',
  'queue-full': 'wait',
  'would-miss-deadline': 'wait',
  'too-large': 'change',
  draining: 'wait',
}

const failureAdvice: Record<FailureCode, Advice> = {
  'concurrency-limited': 'wait',
  'rate-limited': 'wait',
  overloaded: 'wait',
  'quota-exhausted': 'operator',
  'account-blocked': 'operator',
  'credential-rejected': 'operator',
  'permission-denied': 'operator',
  'model-unknown': 'change',
  'context-too-long': 'change',
  'content-filtered': 'change',
  'bad-request': 'change',
  unauthenticated: 'operator',
  unreachable: 'wait',
  timeout: 'wait',
  'provider-error': 'wait',
  truncated: 'wait',
  'empty-output': 'change',
  'malformed-output': 'wait',
  'not-configured': 'operator',
  'document-unreadable': 'change',
  'path-not-allowed': 'change',
  'not-found': 'change',
  refused: 'wait',
  internal: 'operator',
  deadline: 'change',
  cancelled: 'none',
  'client-gone': 'none',
  draining: 'wait',
}

/** A refusal as a tool result. */
export function refusalResult(refusal: Refusal): ToolResult {
  const advice = refusalAdvice[refusal.reason]
  return {
    isError: true,
    content: [{ type: 'text', text: withDelay(refusal.message, advice, refusal.retryAfterMs) }],
    meta: {
      'exai/refusal': {
        reason: refusal.reason,
        scope: refusal.scope,
        dimension: refusal.dimension,
        limit: refusal.limit,
        used: refusal.used,
        retryAfterMs: refusal.retryAfterMs,
        advice,
      },
    },
  }
}

/** A failure as a tool result; a refusal that struck inside the call shows as that refusal. */
export function failureResult(failure: CallFailure): ToolResult {
  if (failure.refusal !== null) return refusalResult(failure.refusal)
  const advice = adviceFor(failure)
  return {
    isError: true,
    content: [{ type: 'text', text: withDelay(failure.message, advice, failure.retryAfterMs) }],
    meta: {
      'exai/failure': {
        code: failure.code,
        retryable: failure.retryable,
        retryAfterMs: failure.retryAfterMs,
        advice,
      },
    },
  }
}

/**
 * A refusal or failure as a JSON-RPC error, for requests whose answers no model reads: -32602 for what the caller must change, -32603
 * for our own bugs, else -32000, with when to come back in `data`.
 */
export function outcomeError(outcome: Exclude<CallOutcome<unknown>, { kind: 'done' }>): RpcError {
  const { content, meta = {} } =
    outcome.kind === 'refused' ? refusalResult(outcome.refusal) : failureResult(outcome.failure)
  const [said] = content
  const advice =
    outcome.kind === 'refused' ? refusalAdvice[outcome.refusal.reason] : failureAdvice[outcome.failure.code]
  const isBug = outcome.kind === 'failed' && outcome.failure.code === 'internal'
  return {
    code: isBug ? rpcCode.internalError : advice === 'change' ? rpcCode.invalidParams : rpcCode.unavailable,
    message: said?.type === 'text' ? said.text : 'The request failed.',
    data: meta,
  }
}

// A quota that comes back by itself needs nobody to pay.
function adviceFor({ code, retryAfterMs }: CallFailure): Advice {
  return code === 'quota-exhausted' && retryAfterMs !== null ? 'wait' : failureAdvice[code]
}

// The message of a refusal mostly names the delay already; a second mention would only cost the model tokens. What a vendor is
// quoted with does not count: vendors name delays that are too short.
function withDelay(message: string, advice: Advice, retryAfterMs: number | null): string {
  const ours = message.replace(/"[^"]*"/g, '')
  if (
    advice !== 'wait' ||
    retryAfterMs === null ||
    /\b\d+(\.\d+)? ?(s|ms|seconds?|minutes?|hours?|days?)\b/.test(ours)
  ) {
    return message
  }
  return `${message} Try again in ${Math.max(1, Math.ceil(retryAfterMs / 1_000))} s.`
}
