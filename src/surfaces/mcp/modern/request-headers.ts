// The headers of 2026-07-28 must say the same as the body, so that whatever routed on the header and whatever runs the
// body never disagree. Source: basic/transports/streamable-http, "Server Validation".

import type { IncomingHttpHeaders } from 'node:http'
import type { RequestEnvelope } from '../envelope.ts'
import { type ModernRejection, modernCode } from './request-meta.ts'

// Methods whose target is mirrored in Mcp-Name, and the params field it mirrors.
const nameFields: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
}
const base64Form = /^=\?base64\?(.*)\?=$/
const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const shownCharsMax = 80

/** Compares the version header with the body's claim: before anything else, whoever is right. */
export function checkVersionHeader(headers: IncomingHttpHeaders, claimed: string): ModernRejection | null {
  return compare('MCP-Protocol-Version', headers['mcp-protocol-version'], claimed)
}

/** Compares Mcp-Method and, where the method has a target, Mcp-Name with the body. */
export function checkRequestHeaders(
  headers: IncomingHttpHeaders,
  request: RequestEnvelope,
): ModernRejection | null {
  const method = compare('Mcp-Method', headers['mcp-method'], request.method)
  if (method !== null) return method
  const field = nameFields[request.method]
  const target = field === undefined ? undefined : request.params[field]
  if (typeof target !== 'string') return null
  const sent = headers['mcp-name']
  return compare('Mcp-Name', typeof sent === 'string' ? decode(sent) : undefined, target)
}

function compare(name: string, sent: string | string[] | undefined, body: string): ModernRejection | null {
  if (sent === body) return null
  return {
    status: 400,
    code: modernCode.headerMismatch,
    message:
      sent === undefined
        ? `Header mismatch: the ${name} header is missing or unreadable; the body says ${shown(body)}.`
        : `Header mismatch: ${name} header value ${shown(String(sent))} does not match body value ${shown(body)}.`,
  }
}

function decode(value: string): string | undefined {
  const encoded = base64Form.exec(value)?.[1]
  if (encoded === undefined) return value
  return base64Pattern.test(encoded) ? Buffer.from(encoded, 'base64').toString('utf8') : undefined
}

function shown(value: string): string {
  return JSON.stringify(value.length > shownCharsMax ? `${value.slice(0, shownCharsMax)}…` : value)
}
