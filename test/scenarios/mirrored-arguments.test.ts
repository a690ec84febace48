// An argument that its tool marks comes in a header as well: the official client writes the header, and whoever writes another one
// is refused before the tool runs.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../src/tools/tool.ts'
import { type McpComposition, startMcpComposition } from '../support/mcp-composition.ts'
import { modernMeta, post, read } from '../support/mcp-wire.ts'

let runs = 0
const sql = defineTool({
  name: 'sql',
  title: 'SQL',
  description: 'Says where a query would run.',
  input: z.strictObject({ region: z.string().optional().meta({ 'x-mcp-header': 'Region' }) }),
  annotations: { readOnlyHint: true },
  pace: 'instant',
  run: async ({ region = 'nowhere' }) => {
    runs += 1
    return { content: [{ type: 'text', text: region }] }
  },
})

let server: McpComposition
beforeAll(async () => {
  server = await startMcpComposition({ tools: [sql] })
})
afterAll(() => server.close())

test('whatever the value is, the official client and we agree on its header', async () => {
  const client = new Client({ name: 'official', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  const requestInit = { headers: { connection: 'close' } }
  await client.connect(new StreamableHTTPClientTransport(new URL(server.url), { requestInit }))
  await client.listTools()
  for (const region of [
    'eu',
    'Grün 世界',
    ' padded ',
    '=?base64?Zg==?=',
    '',
    'two\nlines',
    'x'.repeat(3_000),
  ]) {
    const answer = await client.callTool({ name: 'sql', arguments: { region } })
    expect(answer).toMatchObject({ content: [{ type: 'text', text: region }] })
  }
  const answer = await client.callTool({ name: 'sql', arguments: {} })
  expect(answer).toMatchObject({ content: [{ type: 'text', text: 'nowhere' }] })
  await client.close()
})

test('a header that says something else is refused, and the tool does not run', async () => {
  const before = runs
  const params = { name: 'sql', arguments: { region: 'us' }, _meta: modernMeta }
  const call = (more: Readonly<Record<string, string>>) =>
    post(
      server.url,
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
      { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'sql', ...more },
    ).then(read)
  for (const more of [{}, { 'mcp-param-region': 'eu' }, { 'mcp-param-region': '=?base64?*?=' }] as const) {
    expect(await call(more)).toMatchObject({ status: 400, json: { id: 1, error: { code: -32020 } } })
  }
  expect(runs).toBe(before)
  expect((await call({ 'mcp-param-region': 'us' })).status).toBe(200)
})
