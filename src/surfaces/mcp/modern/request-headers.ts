// The headers of 2026-07-28 must say the same as the body, so that whatever routed on the header and whatever runs the
// body never disagree. Source: basic/transports/streamable-http, "Server Validation".

import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import { ownValue } from '../../../lib/own-value.ts'
import { isObject, type RequestEnvelope } from '../envelope.ts'
import type { MirroredArgument } from '../features/mirrored-arguments.ts'
import { type ModernRejection, modernCode } from './request-meta.ts'

// Methods whose target is mirrored in Mcp-Name, and the params field it mirrors.
const nameFields: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
}
const base64Form = /^=\?base64\?(.*)\?=$/
const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const decimalPattern = /^-?\d+(?:\.\d+)?$/
const plainPattern = /^[\t\x20-\x7e]*$/
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
  const field = ownValue(nameFields, request.method)
  const target = field === undefined ? undefined : request.params[field]
  if (typeof target !== 'string') return null
  return compare('Mcp-Name', decode(headers['mcp-name']), target)
}

/** Compares the headers of a tool's mirrored arguments with the arguments. */
export function checkArgumentHeaders(
  headers: IncomingHttpHeaders,
  args: unknown,
  mirrored: readonly MirroredArgument[],
): ModernRejection | null {
  // What is no argument, or no value for one, is refused as such, in words about it.
  if (args !== undefined && !isObject(args)) return null
  for (const { header, path } of mirrored) {
    const sent = headers[header.toLowerCase()]
    const value = valueAt(args, path)
    if (typeof value === 'object' && value !== null) continue
    if (value === undefined || value === null) {
      if (sent !== undefined) return mismatch(header, shown(String(sent)), 'nothing')
      continue
    }
    const decoded = decode(sent)
    const isSame = typeof value === 'number' ? isNumber(decoded, value) : decoded === String(value)
    if (!isSame) return mismatch(header, decoded === undefined ? null : shown(decoded), shown(String(value)))
  }
  return null
}

// "42.0" is 42 too: the specification compares integers as numbers.
function isNumber(sent: string | undefined, value: number): boolean {
  return sent !== undefined && decimalPattern.test(sent) && Number(sent) === value
}

function valueAt(args: unknown, path: readonly string[]): unknown {
  let value = args
  for (const step of path) {
    if (!isObject(value) || !Object.hasOwn(value, step)) return undefined
    value = value[step]
  }
  return value
}

function compare(name: string, sent: string | string[] | undefined, body: string): ModernRejection | null {
  if (sent === body) return null
  return mismatch(name, sent === undefined ? null : shown(String(sent)), shown(body))
}

function mismatch(name: string, sent: string | null, body: string): ModernRejection {
  return {
    status: 400,
    code: modernCode.headerMismatch,
    message:
      sent === null
        ? `Header mismatch: the ${name} header is missing or unreadable; the body says ${body}.`
        : `Header mismatch: ${name} header value ${sent} does not match body value ${body}.`,
  }
}

// Undefined: absent, or not in a form that a header may have. What is not ASCII comes encoded, or two could read it differently.
function decode(sent: string | string[] | undefined): string | undefined {
  if (typeof sent !== 'string' || !plainPattern.test(sent)) return undefined
  const encoded = base64Form.exec(sent)?.[1]
  if (encoded === undefined) return sent
  if (!base64Pattern.test(encoded)) return undefined
  const bytes = Buffer.from(encoded, 'base64')
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

function shown(value: string): string {
  return JSON.stringify(value.length > shownCharsMax ? `${value.slice(0, shownCharsMax)}…` : value)
}
