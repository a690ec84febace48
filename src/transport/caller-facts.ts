// What the wire says of a caller, gathered in one place for `principals/identify`. Judges nothing.

import type { IncomingMessage } from 'node:http'
import type { CallerFacts } from '../principals/identify.ts'

// What proxies add. Whoever forges one only loses: it makes a caller remote, never local.
const forwardingHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-real-ip', 'via'] as const

/**
 * The facts of one request or upgrade request. A peer among `proxies` speaks for others, so nothing that comes from it is from this
 * computer, and neither is what says that it was forwarded.
 */
export function readCallerFacts(
  request: IncomingMessage,
  proxies: ReadonlySet<string> = noProxies,
): CallerFacts {
  const headers = request.headers
  return {
    clientHeader: first(headers['x-exai-client']),
    labelHeader: first(headers['x-exai-label']),
    rootHeader: first(headers['x-exai-root']),
    authorization: headers.authorization,
    isLoopback: isHere(request, proxies),
  }
}

function first(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}

const noProxies: ReadonlySet<string> = new Set()

function isHere(request: IncomingMessage, proxies: ReadonlySet<string>): boolean {
  const address = request.socket.remoteAddress
  if (!isLoopbackAddress(address)) return false
  if (proxies.size > 0 && proxies.has(plainAddress(address))) return false
  return forwardingHeaders.every((name) => request.headers[name] === undefined)
}

function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '')
}

function isLoopbackAddress(address: string | undefined): boolean {
  if (address === undefined) return false
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.')
}
