// The same tools, resources and prompts for our server and for the official one, each declared once.

import {
  completable,
  createMcpHandler,
  McpServer,
  ResourceNotFoundError,
  ResourceTemplate,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { fitting } from '../../src/domain/suggestion.ts'
import { definePrompt } from '../../src/prompts/prompt.ts'
import { defineResource } from '../../src/resources/resource.ts'
import { defineTool } from '../../src/tools/tool.ts'
import { fixturePrompts } from '../conformance/fixture-prompts.ts'
import { fixtureResources } from '../conformance/fixture-resources.ts'
import { echoTool, type McpCompositionOptions } from './mcp-composition.ts'

const mimeType = 'text/plain'
const noteUri = 'test://note'
const rowsUri = 'test://rows/{row}'
const rows = ['one', 'six', 'seven']
const tones = ['warm', 'wry', 'cold']
const rowUri = (row: string): string => `test://rows/${row}`
const greeting = (who: string, tone = 'plain'): string => `Greet ${who}, ${tone}.`

const placeTool = defineTool({
  name: 'place',
  title: 'Place',
  description: 'Says a region, which is repeated in a header, as is the number of rows.',
  input: z.strictObject({
    region: z.string().meta({ 'x-mcp-header': 'Region' }),
    rows: z.int().optional().meta({ 'x-mcp-header': 'Rows' }),
  }),
  annotations: { readOnlyHint: true },
  pace: 'instant',
  run: async ({ region }) => ({ content: [{ type: 'text', text: region }] }),
})

const note = defineResource({
  uri: noteUri,
  name: 'note',
  title: 'Note',
  description: 'A note.',
  mimeType,
  ttlMs: 0,
  has: () => true,
  read: async (_context, { uri }) => [{ uri, mimeType, text: 'note' }],
})

const family = defineResource({
  uri: rowsUri,
  name: 'rows',
  title: 'Rows',
  description: 'Rows by name.',
  mimeType,
  ttlMs: 0,
  list: () => rows.map((row, at) => ({ uri: rowUri(row), name: row, order: -at })),
  has: () => true,
  read: async (_context, { uri, variable }) => [{ uri, mimeType, text: `row ${variable}` }],
})

const greet = definePrompt({
  name: 'greet',
  title: 'Greet',
  description: 'Greets somebody.',
  input: z.strictObject({ who: z.string(), tone: z.string().optional() }),
  suggest: { tone: () => tones.map((value) => ({ value })) },
  get: async ({ who, tone }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: greeting(who, tone) } }],
  }),
})

const plain = definePrompt({
  name: 'plain',
  title: 'Plain',
  description: 'Takes nothing.',
  input: z.strictObject({}),
  get: async () => ({ messages: [{ role: 'user', content: { type: 'text', text: 'plain' } }] }),
})

/** What ours offers. */
export const oursOffers: McpCompositionOptions = {
  tools: [echoTool, placeTool],
  resources: { resources: [note, family], contextOf: fixtureResources.contextOf },
  prompts: { prompts: [greet, plain], contextOf: fixturePrompts.contextOf },
}

/** The official server, with the same offers. What it leaves to its user, such as what may be watched, is as ours has it. */
export const official = createMcpHandler(() => {
  const capabilities = { resources: { subscribe: true, listChanged: true }, logging: {} }
  const server = new McpServer({ name: 'official', version: '1' }, { capabilities })
  const inputSchema = z.strictObject({ text: z.string(), count: z.number().int().min(1).max(5).optional() })
  server.registerTool('echo', { description: 'Says it again.', inputSchema }, ({ text }) => ({
    content: [{ type: 'text', text }],
  }))
  const { description, input } = placeTool
  server.registerTool('place', { description, inputSchema: input }, ({ region }) => ({
    content: [{ type: 'text', text: region }],
  }))
  offerResources(server)
  offerPrompts(server)
  return server
})

function offerResources(server: McpServer): void {
  server.registerResource('note', noteUri, { mimeType }, ({ href }) => ({
    contents: [{ uri: href, mimeType, text: 'note' }],
  }))
  const template = new ResourceTemplate(rowsUri, {
    list: () => ({ resources: rows.map((row) => ({ uri: rowUri(row), name: row })) }),
    complete: { row: (typed) => suggested(typed, rows) },
  })
  server.registerResource('rows', template, { mimeType }, ({ href }, { row }) => ({
    contents: [{ uri: href, mimeType, text: `row ${String(row)}` }],
  }))
  server.server.setRequestHandler('resources/subscribe', ({ params: { uri } }) => {
    if (uri !== noteUri && template.uriTemplate.match(uri) === null) throw new ResourceNotFoundError(uri)
    return {}
  })
  server.server.setRequestHandler('resources/unsubscribe', () => ({}))
}

function offerPrompts(server: McpServer): void {
  const tone = completable(z.string(), (typed) => suggested(typed, tones)).optional()
  const argsSchema = z.strictObject({ who: z.string(), tone })
  server.registerPrompt('greet', { argsSchema }, (args) => ({
    messages: [{ role: 'user', content: { type: 'text', text: greeting(args.who, args.tone) } }],
  }))
  server.registerPrompt('plain', {}, () => ({
    messages: [{ role: 'user', content: { type: 'text', text: 'plain' } }],
  }))
}

function suggested(typed: string, values: readonly string[]): string[] {
  return [
    ...fitting(
      typed,
      values.map((value) => ({ value })),
    ),
  ]
}
