// Kimi's formulas: server-side functions run as "fibers". The web search gives its result encrypted, to be handed to the
// model verbatim; the simulator "encrypts" in base64, so that a test can still find its mark.

import { findingsFor } from '../answers.ts'
import { hashOf, isObject, type JsonObject } from '../json.ts'
import { type Handled, json, type Route, type VendorRequest } from '../vendor-request.ts'
import { VendorRefusal } from '../wire.ts'
import { kimiError, refuseKimi } from './errors.ts'

interface Formula {
  readonly functionName: string
  readonly argument: string
  readonly run: (argument: string) => { readonly output: string } | { readonly encrypted_output: string }
}

function encrypted(text: string): string {
  return `----MOONSHOT ENCRYPTED BEGIN----${Buffer.from(text).toString('base64')}----MOONSHOT ENCRYPTED END----`
}

const formulas: Readonly<Record<string, Formula>> = {
  'moonshot/web-search:latest': {
    functionName: 'web_search',
    argument: 'query',
    run: (query) => ({ encrypted_output: encrypted(JSON.stringify(findingsFor(query, 5))) }),
  },
  'moonshot/fetch:latest': {
    functionName: 'fetch',
    argument: 'url',
    run: (url) => ({ output: `[simulated] The page at ${url}. It was never fetched from any network.` }),
  },
  'moonshot/date:latest': {
    functionName: 'date',
    argument: 'operation',
    run: (operation) => ({ output: `[simulated] ${operation}: 2026-11-22 00:00:00` }),
  },
  'moonshot/base64:latest': {
    functionName: 'base64_encode',
    argument: 'data',
    run: (data) => ({ output: Buffer.from(data).toString('base64') }),
  },
  'moonshot/quickjs:latest': {
    functionName: 'quickjs',
    argument: 'code',
    run: (code) => ({ output: `[simulated] ran ${code}` }),
  },
}

function formulaOf({ params, settings }: VendorRequest): { uri: string; formula: Formula } {
  const uri = decodeURIComponent(params.uri ?? '')
  const formula = formulas[uri.includes(':') ? uri : `${uri}:latest`]
  const isDead = uri.startsWith('moonshot/quickjs') && settings.switches['quick-js'] !== 'present'
  if (formula && !isDead) return { uri, formula }
  const message = `Not found the formula ${uri} or Permission denied`
  throw new VendorRefusal(kimiError(settings, { status: 404, type: 'resource_not_found_error', message }))
}

function tools(request: VendorRequest): Handled {
  const { formula } = formulaOf(request)
  const parameters = {
    type: 'object',
    properties: { [formula.argument]: { type: 'string' } },
    required: [formula.argument],
  }
  const description = `${formula.functionName}, simulated`
  return json(() => ({
    tools: [{ type: 'function', function: { name: formula.functionName, description, parameters } }],
  }))
}

function fiber(request: VendorRequest): Handled {
  const { body, settings, account, serial } = request
  const { uri, formula } = formulaOf(request)
  if (body.name !== formula.functionName)
    refuseKimi(settings, `Invalid request: function ${String(body.name)} is not found`)
  if (typeof body.arguments !== 'string')
    refuseKimi(settings, 'Invalid request: arguments must be a JSON string')
  const argument = String(argumentsOf(request, body.arguments)[formula.argument] ?? '')
  return json(() => ({
    id: `fiber-${hashOf(`${uri}-${serial}`)}`,
    object: 'fiber',
    created_at: Math.floor(Date.now() / 1000),
    lambda_id: `lambda-${hashOf(uri)}`,
    status: 'succeeded',
    context: { input: body.arguments, ...formula.run(argument) },
    formula: uri,
    organization_id: `org-${account}`,
    project_id: `proj-${account}`,
  }))
}

function argumentsOf({ settings }: VendorRequest, text: string): JsonObject {
  try {
    const parsed: unknown = JSON.parse(text)
    if (isObject(parsed)) return parsed
  } catch {
    // Refused below, like any text that is no JSON object.
  }
  return refuseKimi(settings, 'Invalid request: arguments must be a JSON string')
}

/** The formula paths of Kimi. */
export const kimiFormulaRoutes: readonly Route[] = [
  { method: 'GET', path: /^\/formulas\/(?<uri>.+)\/tools$/, operation: 'formula', handle: tools },
  { method: 'POST', path: /^\/formulas\/(?<uri>.+)\/fibers$/, operation: 'formula', handle: fiber },
]
