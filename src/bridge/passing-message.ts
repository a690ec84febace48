// Reads of a JSON-RPC message just what the bridge must know: its kind, its id, its method. Everything else passes through
// untouched.

/** A JSON-RPC id. */
export type RpcId = string | number

/** One message, as far as the bridge looks into it. `broken` is not JSON; `other` (a list, no JSON-RPC) is passed on. */
export type PassingMessage =
  | { readonly kind: 'request'; readonly id: RpcId; readonly method: string; readonly message: object }
  | { readonly kind: 'notification'; readonly method: string; readonly cancels: RpcId | null }
  | { readonly kind: 'response'; readonly id: RpcId; readonly isResult: boolean; readonly message: object }
  | { readonly kind: 'other' }
  | { readonly kind: 'broken' }

/** Looks into one message. Never throws. */
export function readPassingMessage(text: string): PassingMessage {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    // Whoever sent it is told by the caller, who knows the direction.
    return { kind: 'broken' }
  }
  if (!isObject(message)) return { kind: 'other' }
  const { id, method } = message
  if (typeof method === 'string') {
    if (isId(id)) return { kind: 'request', id, method, message }
    const params = isObject(message.params) ? message.params : {}
    const cancels = method === 'notifications/cancelled' && isId(params.requestId) ? params.requestId : null
    return id === undefined ? { kind: 'notification', method, cancels } : { kind: 'other' }
  }
  if (isId(id) && ('result' in message || 'error' in message)) {
    return { kind: 'response', id, isResult: 'result' in message, message }
  }
  return { kind: 'other' }
}

/** A message of the server as one line: a frame may be printed over several. */
export function toLine(text: string): string {
  return /[\r\n]/.test(text) ? JSON.stringify(JSON.parse(text)) : text
}

/** A JSON-RPC error as one line. A null id is left out: the schema of both revisions knows no null id. */
export function errorLine(id: RpcId | null, code: number, message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', ...(id === null ? {} : { id }), error: { code, message } })
}

/** A `notifications/cancelled` as one line. */
export function cancelLine(requestId: RpcId): string {
  return JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })
}

/** Map key of an id: `1` and `"1"` are two ids. */
export function idKey(id: RpcId): string {
  return JSON.stringify(id)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isId(value: unknown): value is RpcId {
  return typeof value === 'string' || typeof value === 'number'
}
