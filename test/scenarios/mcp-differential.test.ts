// The same bytes to our server and to the official one: each request of 2026-07-28, right or wrong, gets the same HTTP status
// and the same JSON-RPC code from both.

import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { echoTool, type McpComposition, startMcpComposition } from '../support/mcp-composition.ts'
import { modernMeta, read } from '../support/mcp-wire.ts'

let ours: McpComposition
const official = createMcpHandler(() => {
  const server = new McpServer({ name: 'official', version: '1' })
  server.registerTool(
    'echo',
    { description: 'Says it again.', inputSchema: z.strictObject({ text: z.string() }) },
    ({ text }) => ({ content: [{ type: 'text', text }] }),
  )
  return server
})

beforeAll(async () => {
  ours = await startMcpComposition({ tools: [echoTool] })
})
afterAll(async () => {
  await official.close()
  await ours.close()
})

interface Case {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly method?: string
}

const request = (
  method: string,
  params: object = {},
  headers: Readonly<Record<string, string>> = {},
): Case => ({
  body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { _meta: modernMeta, ...params } }),
  headers: {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...('name' in params ? { 'mcp-name': String(params.name) } : {}),
    ...headers,
  },
})
const echo = { name: 'echo', arguments: { text: 'hello' } }
const meta = (changes: object): object => ({ _meta: { ...modernMeta, ...changes } })
const raw = (body: string): Case => ({ ...request('tools/list'), body })

const cases: Readonly<Record<string, Case>> = {
  'server/discover': request('server/discover'),
  'tools/list': request('tools/list'),
  'a call': request('tools/call', echo),
  'a call without its name in a header': request('tools/call', echo, { 'mcp-name': '' }),
  'a call named otherwise in its header': request('tools/call', echo, { 'mcp-name': 'other' }),
  'a method named otherwise in its header': request('tools/list', {}, { 'mcp-method': 'tools/call' }),
  'a version named otherwise in its header': request(
    'tools/list',
    {},
    { 'mcp-protocol-version': '2025-11-25' },
  ),
  'a version that nobody knows': request(
    'tools/list',
    meta({ 'io.modelcontextprotocol/protocolVersion': '2031-01-01' }),
    { 'mcp-protocol-version': '2031-01-01' },
  ),
  'a client without capabilities': request(
    'tools/list',
    meta({ 'io.modelcontextprotocol/clientCapabilities': undefined }),
  ),
  'a tool that is not there': request('tools/call', { name: 'gone', arguments: {} }),
  'a call with arguments that do not fit': request('tools/call', { name: 'echo', arguments: { text: 7 } }),
  'a call with arguments that are no object': request('tools/call', { name: 'echo', arguments: 'text' }),
  'a call without a tool': request('tools/call', {}),
  'a method that is not there': request('tools/sing'),
  'a method of another era': request('ping'),
  initialize: request('initialize'),
  'resources, which neither has': request('resources/list'),
  'text that is no JSON': raw('{"jsonrpc":'),
  'JSON that is no message': raw('{"hello":1}'),
  'a number': raw('7'),
  'an empty list': raw('[]'),
  'a list of two': raw(`[${request('tools/list').body},${request('tools/list').body}]`),
  'another JSON-RPC': raw(request('tools/list').body.replace('"2.0"', '"1.0"')),
  'an id of null': raw(request('tools/list').body.replace('"id":1', '"id":null')),
  'a client that takes nothing': request('tools/list', {}, { accept: 'image/png' }),
  'a body of another kind': request('tools/list', {}, { 'content-type': 'text/plain' }),
  PUT: { ...request('tools/list'), method: 'PUT' },
}

type Send = (url: string, init: RequestInit) => Promise<Response>

async function ask(send: Send, each: Case): Promise<object> {
  const { method = 'POST', body } = each
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    connection: 'close',
    ...each.headers,
  }
  const { status, json } = await read(await send(ours.url, { method, body, headers }))
  // -32000 is what the official server says where the revision gives no code; there we send a sentence as plain text.
  const code = json.error?.code === -32000 ? null : (json.error?.code ?? null)
  const isError = (json.result as { isError?: boolean } | undefined)?.isError
  return { status, code, isError: isError ?? false }
}
const fromThem: Send = (url, init) => official.fetch(new Request(url, init))

test.each(Object.entries(cases))('%s', async (_name, each) => {
  expect(await ask(fetch, each)).toEqual(await ask(fromThem, each))
})

test('a server that overlooks a wrong header is found out', async () => {
  const wrong = request('tools/call', echo, { 'mcp-name': 'other' })
  const overlooks: Send = (url, init) =>
    fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), 'mcp-name': 'echo' } })
  expect(await ask(overlooks, wrong)).not.toEqual(await ask(fromThem, wrong))
})
