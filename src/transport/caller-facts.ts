// What the wire says of a caller, gathered in one place for `principals/identify`. Judges nothing.

import type { IncomingMessage } from 'node:http'
import type { CallerFacts } from '../principals/identify.ts'

/** The facts of one request or upgrade request. */
export function readCallerFacts(request: IncomingMessage): CallerFacts {
  const headers = request.headers
  return {
    clientHeader: first(headers['x-exai-client']),
    labelHeader: first(headers['x-exai-label']),
    rootHeader: first(headers['x-exai-root']),
    isLoopback: isLoopbackAddress(request.socket.remoteAddress),
  }
}

function first(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}

function isLoopbackAddress(address: string | undefined): boolean {
  if (address === undefined) return false
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.')
}
