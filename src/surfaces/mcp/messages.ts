// Writes JSON-RPC messages. Results arrive as ready JSON text, because lists are serialised once and used ten thousand
// times.

import { type JsonObject, type RequestId, rpcCode } from './envelope.ts'

/** A successful answer around ready JSON. */
export function resultMessage(id: RequestId, resultJson: string): string {
  return `{"jsonrpc":"2.0","id":${idJson(id)},"result":${resultJson}}`
}

/** An error answer. A null id is left out: the schema of both revisions knows no null id. */
export function errorMessage(id: RequestId | null, code: number, message: string, data?: JsonObject): string {
  const error = JSON.stringify(data === undefined ? { code, message } : { code, message, data })
  return id === null
    ? `{"jsonrpc":"2.0","error":${error}}`
    : `{"jsonrpc":"2.0","id":${idJson(id)},"error":${error}}`
}

/** What a caller is told of a bug of ours. */
export function internalErrorMessage(id: RequestId | null): string {
  return errorMessage(
    id,
    rpcCode.internalError,
    'Internal error: this is a fault of the server, not of the request. Its log says more.',
  )
}

/** A notification. */
export function notificationMessage(method: string, params?: JsonObject): string {
  return JSON.stringify(
    params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params },
  )
}

function idJson(id: RequestId): string {
  return typeof id === 'number' ? String(id) : JSON.stringify(id)
}
