// The same bytes to our server and to the official one: some thousand requests of both eras, right or spoiled, get the same HTTP
// status, the same JSON-RPC code, the same id and a result that says or lists the same from both. Where they do not,
// `mcp-differences.json` says why; a line of it that no request needs any more has to go.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DifferentialCase, differentialCases } from '../support/differential-cases.ts'
import { official, oursOffers } from '../support/differential-fixture.ts'
import { type McpComposition, startMcpComposition } from '../support/mcp-composition.ts'
import { initialize, type Message, read, readEvents } from '../support/mcp-wire.ts'

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
// One for each lane: in a session two requests with the same id must not be under way at the same time.
let sessions: readonly string[]
const outcomes: Outcomes[] = []
type Send = (url: string, init: RequestInit) => Promise<Response>
const toThem: Send = (url, init) => official.fetch(new Request(url, init))

/** What a result says in its first text, or what it lists, completes or honours; undefined: nothing of these. */
function saidBy(result: object): unknown {
  const { content, contents, messages, completion, resources, resourceTemplates, prompts, tools } =
    result as Readonly<Record<string, undefined>> & {
      readonly content?: readonly { text?: string }[]
      readonly contents?: readonly { uri: string; text?: string }[]
      readonly messages?: readonly { content: { text?: string } }[]
      readonly completion?: object
      readonly resources?: readonly { uri: string }[]
      readonly resourceTemplates?: readonly { uriTemplate: string }[]
      readonly prompts?: readonly {
        name: string
        arguments?: readonly { name: string; required: boolean }[]
      }[]
      readonly tools?: readonly { name: string }[]
    }
  return (
    content?.[0]?.text ??
    contents?.map(({ uri, text }) => [uri, text]) ??
    messages?.[0]?.content.text ??
    completion ??
    resources?.map(({ uri }) => uri) ??
    resourceTemplates?.map(({ uriTemplate }) => uriTemplate) ??
    prompts?.map(({ name, arguments: fields = [] }) => [
      name,
      fields.map((field) => [field.name, field.required]),
    ]) ??
    tools?.map(({ name }) => name)
  )
}

/** The answer; for a subscription, which stays open, what is honoured of it. */
async function answered(response: Response): Promise<Message> {
  if (response.headers.get('content-type') !== 'text/event-stream') return (await read(response)).json
  const messages: Message[] = []
  const enough = new Error('enough')
  const onMessage = (message: Message): void => {
    messages.push(message)
    if (message.id !== undefined || message.method?.endsWith('acknowledged') === true) throw enough
  }
  await readEvents(response, onMessage).catch((error: unknown) => {
    if (error !== enough) throw error
  })
  return messages.at(-1) ?? {}
}

/** What came back, in words: `400 error -32602 with id`, `200 result "hello" with id`, `202`, `406 no code`. */
async function outcomeOf(send: Send, each: DifferentialCase, session: string | null): Promise<string> {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(session === null ? {} : { 'mcp-session-id': session }),
    ...each.headers,
  }
  const response = await send(ours.url, { method: each.method, body: each.body, headers })
  const { status } = response
  const json = await answered(response)
  const id = json.id === undefined || json.id === null ? 'without id' : 'with id'
  if (json.method !== undefined) return `${status} honours ${sorted(json.params?.notifications)}`
  if (json.result !== undefined) {
    const result = json.result as { readonly isError?: boolean }
    if (result.isError === true) return `${status} isError ${id}`
    const said = saidBy(result)
    return said === undefined ? `${status} result ${id}` : `${status} result ${sorted(said)} ${id}`
  }
  // -32000 is what the official server says where the revision gives no code; there we send a sentence as plain text.
  if (json.error !== undefined && json.error.code !== -32000)
    return `${status} error ${json.error.code} ${id}`
  return status < 400 ? String(status) : `${status} no code`
}

/** JSON whose order says nothing: of members, and of things in a list. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).sort().join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'nothing'
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${key}:${sorted(member)}`).join(',')}}`
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
  ours = await startMcpComposition(oursOffers)
  const opened = await Promise.all(Array.from({ length: 8 }, () => initialize(ours.url)))
  sessions = opened.map(({ id }) => id)
})
afterAll(async () => {
  await official.close()
  await ours.close()
})

test(`${cases.length} requests are answered alike, or a line says why not`, {
  timeout: 600_000,
}, async () => {
  const rest = [...cases]
  const lane = async (sessionId: string): Promise<void> => {
    for (let each = rest.pop(); each !== undefined; each = rest.pop()) {
      const session = each.era === 'legacy' ? sessionId : null
      const [mine, other] = await Promise.all([
        outcomeOf(fetch, each, session),
        outcomeOf(toThem, each, null),
      ])
      outcomes.push({ label: each.label, ours: mine, theirs: other })
    }
  }
  await Promise.all(sessions.map(lane))
  const { unexplained, idle } = judge(outcomes, listed)
  const differing = outcomes.filter((each) => each.ours !== each.theirs).length
  process.stdout.write(
    `differential: ${outcomes.length} requests, ${differing} answered otherwise by ${listed.length} listed reasons\n`,
  )
  expect(unexplained).toEqual([])
  expect(idle).toEqual([])
  expect(outcomes.length).toBeGreaterThan(8_000)
  // Were everything refused by both, they would agree as well.
  const taken = outcomes.filter(
    (each) => each.ours === each.theirs && /^200 (?:result|honours) /.test(each.ours),
  )
  expect(taken.length).toBeGreaterThan(500)
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

  test('a server that opens a subscription it does not understand', () => {
    const isWrong = ({ label }: Outcomes): boolean =>
      label.includes('params.notifications.toolsListChanged = ')
    const taken = outcomes.filter(isWrong).map((each) => ({ ...each, ours: '200 honours {}' }))
    expect(judge(taken, listed).unexplained.length).toBeGreaterThan(0)
  })

  test('a server that swaps an answer', () => {
    const swapped = outcomes.map((each) => ({ ...each, ours: each.ours.replace('"hello"', '"hallo"') }))
    expect(judge(swapped, listed).unexplained.length).toBeGreaterThan(0)
  })
})
