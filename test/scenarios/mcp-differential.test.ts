// The same bytes to our server and to the official one: some thousand requests of both eras, right or spoiled, get the same HTTP
// status, the same JSON-RPC code, the same id and the same kind of result from both. Where they do not, `mcp-differences.json` says
// why; a line of it that no request needs any more has to go.

import { readFileSync } from 'node:fs'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../src/tools/tool.ts'
import { type DifferentialCase, differentialCases } from '../support/differential-cases.ts'
import { echoTool, type McpComposition, startMcpComposition } from '../support/mcp-composition.ts'
import { initialize, read } from '../support/mcp-wire.ts'

const doubled = 1_000
const seed = 20_260_728
const cases = differentialCases(seed, doubled)

interface Difference {
  readonly where: string
  readonly ours: string
  readonly theirs: string
  readonly reason: string
}

interface Outcomes {
  readonly label: string
  readonly ours: string
  readonly theirs: string
}

const listed = JSON.parse(
  readFileSync(new URL('./mcp-differences.json', import.meta.url), 'utf8'),
) as readonly Difference[]

let ours: McpComposition
let sessionId: string
const outcomes: Outcomes[] = []
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
const official = createMcpHandler(() => {
  const server = new McpServer({ name: 'official', version: '1' })
  const inputSchema = z.strictObject({ text: z.string(), count: z.number().int().min(1).max(5).optional() })
  server.registerTool('echo', { description: 'Says it again.', inputSchema }, ({ text }) => ({
    content: [{ type: 'text', text }],
  }))
  const { description, input } = placeTool
  server.registerTool('place', { description, inputSchema: input }, ({ region }) => ({
    content: [{ type: 'text', text: region }],
  }))
  return server
})

type Send = (url: string, init: RequestInit) => Promise<Response>
const toThem: Send = (url, init) => official.fetch(new Request(url, init))

/** What came back, in words: `400 error -32602 with id`, `200 result with id`, `202`, `406 no code`. */
async function outcomeOf(send: Send, each: DifferentialCase, session: string | null): Promise<string> {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(session === null ? {} : { 'mcp-session-id': session }),
    ...each.headers,
  }
  const { status, json } = await read(await send(ours.url, { method: each.method, body: each.body, headers }))
  const id = json.id === undefined || json.id === null ? 'without id' : 'with id'
  if (json.result !== undefined) {
    const result = json.result as {
      readonly isError?: boolean
      readonly content?: readonly { text?: string }[]
    }
    if (result.isError === true) return `${status} isError ${id}`
    const text = result.content?.[0]?.text
    return text === undefined ? `${status} result ${id}` : `${status} result ${JSON.stringify(text)} ${id}`
  }
  // -32000 is what the official server says where the revision gives no code; there we send a sentence as plain text.
  if (json.error !== undefined && json.error.code !== -32000)
    return `${status} error ${json.error.code} ${id}`
  return status < 400 ? String(status) : `${status} no code`
}

const isMeant = ({ where, ours, theirs }: Difference, each: Outcomes): boolean =>
  new RegExp(where).test(each.label) &&
  new RegExp(`^(?:${ours})$`).test(each.ours) &&
  new RegExp(`^(?:${theirs})$`).test(each.theirs)

/** Differences that no line explains, and lines that explain none. */
function judge(
  all: readonly Outcomes[],
  list: readonly Difference[],
): { readonly unexplained: readonly Outcomes[]; readonly idle: readonly Difference[] } {
  const used = new Set<Difference>()
  const unexplained = all.filter((each) => {
    if (each.ours === each.theirs) return false
    const line = list.find((one) => isMeant(one, each))
    if (line !== undefined) used.add(line)
    return line === undefined
  })
  return { unexplained, idle: list.filter((line) => !used.has(line)) }
}

beforeAll(async () => {
  ours = await startMcpComposition({ tools: [echoTool, placeTool] })
  sessionId = (await initialize(ours.url)).id
})
afterAll(async () => {
  await official.close()
  await ours.close()
})

test(`${cases.length} requests are answered alike, or a line says why not`, {
  timeout: 600_000,
}, async () => {
  const rest = [...cases]
  const lane = async (): Promise<void> => {
    for (let each = rest.pop(); each !== undefined; each = rest.pop()) {
      const session = each.era === 'legacy' ? sessionId : null
      const [mine, other] = await Promise.all([
        outcomeOf(fetch, each, session),
        outcomeOf(toThem, each, null),
      ])
      outcomes.push({ label: each.label, ours: mine, theirs: other })
    }
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  const { unexplained, idle } = judge(outcomes, listed)
  const differing = outcomes.filter((each) => each.ours !== each.theirs).length
  process.stdout.write(
    `differential: ${outcomes.length} requests, ${differing} answered otherwise by ${listed.length} listed reasons\n`,
  )
  expect(unexplained).toEqual([])
  expect(idle).toEqual([])
  expect(outcomes.length).toBeGreaterThan(3_000)
  // Were everything refused by both, they would agree as well.
  const taken = outcomes.filter((each) => each.ours === each.theirs && each.ours.startsWith('200 result'))
  expect(taken.length).toBeGreaterThan(150)
})

describe('what would be found out', () => {
  test('a line too few', () => {
    for (const line of listed) {
      const others = listed.filter((other) => other !== line)
      expect(judge(outcomes, others).unexplained, line.reason).not.toEqual([])
    }
  })

  test('a line too many', () => {
    const made = { where: '', ours: '418 no code', theirs: '200 result with id', reason: 'Made up.' }
    expect(judge(outcomes, [...listed, made]).idle).toEqual([made])
  })

  test('a server that overlooks a wrong header', async () => {
    const wrong = cases.find(({ label }) => label === 'tools/call: mcp-name = other') as DifferentialCase
    const overlooks: Send = (url, init) =>
      fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), 'mcp-name': 'echo' } })
    const each = {
      label: wrong.label,
      ours: await outcomeOf(overlooks, wrong, null),
      theirs: await outcomeOf(toThem, wrong, null),
    }
    expect(judge([each], listed).unexplained).toEqual([each])
  })

  test('a server that swaps an answer', () => {
    const swapped = outcomes.map((each) => ({ ...each, ours: each.ours.replace('"hello"', '"hallo"') }))
    expect(judge(swapped, listed).unexplained.length).toBeGreaterThan(0)
  })
})
