// HTTP's own answers: what leaves before anybody has understood the message. Knows status numbers, nothing of JSON-RPC.
// Every body is a sentence or two of plain text, because some clients show it to a person word for word.

import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { http } from '../lib/node-http.ts'

/** The statuses this room answers by itself. */
export type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 406 | 408 | 413 | 415 | 431 | 503 | 508

/** Answers with `status` and a sentence; `headers` are added. Does nothing when an answer has begun already. */
export function refuse(
  response: ServerResponse,
  status: RefusalStatus,
  sentence: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return
  const body = `${sentence}\n`
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(body)
}

/** The same on a raw socket (before HTTP has a response, or instead of an upgrade); the socket is closed after it. */
export function refuseSocket(
  socket: Duplex,
  status: RefusalStatus,
  sentence: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const body = `${sentence}\n`
  const more = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  socket.end(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? 'Refused'}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n${more}connection: close\r\n\r\n${body}`,
  )
}
