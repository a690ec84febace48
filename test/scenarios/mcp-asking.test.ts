// Tools that ask their client, on real sockets: the same tool in both eras and through both doors; answers that are foreign, wrong
// or never come; and nothing left open, whoever leaves in the middle of a question.

import { Client as NewClient, StreamableHTTPClientTransport as NewHttp } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { WebSocketClientTransport as OldSocket } from '@modelcontextprotocol/sdk/client/websocket.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { SealedTokens } from '../../src/lib/sealed-token.ts'
import { OpenQuestions } from '../../src/surfaces/mcp/legacy/open-questions.ts'
import { defineTool } from '../../src/tools/tool.ts'
import { createGreet } from '../support/greet-tool.ts'
import { type McpComposition, startMcpComposition, until } from '../support/mcp-composition.ts'
import { callModern, initialize, type Message, modernMeta, post, readEvents } from '../support/mcp-wire.ts'

const greet = createGreet()

const connect = defineTool({
  name: 'connect',
  title: 'Connect',
  description: 'Has the person open a page.',
  input: z.strictObject({}),
  annotations: {},
  pace: 'long',
  async run(_args, context) {
    const page = { key: 'page', message: 'Open this page.', url: 'https://example.com/connect' }
    const { action } = await context.elicit(page)
    context.elicited('page')
    return { content: [{ type: 'text', text: action }] }
  },
})

const capabilities = { elicitation: { form: {}, url: {} } }
const anna = { action: 'accept', content: { name: 'Anna' } }
const askingMeta = { ...modernMeta, 'io.modelcontextprotocol/clientCapabilities': capabilities }
let server: McpComposition
let sockets: WebSocket[]

beforeEach(async () => {
  sockets = []
  server = await startMcpComposition({ tools: [greet, connect] })
})

afterEach(async () => {
  for (const socket of sockets) socket.terminate()
  await until(() => server.calls.inFlight === 0, 'no call is left')
  await until(() => server.surface.inspect().connections === 0, 'every connection is gone')
  expect(server.surface.inspect()).toMatchObject({ callsInFlight: 0, connections: 0 })
  await server.close()
})

const textOf = (message: Message | undefined): string => {
  const { content } = (message?.result ?? {}) as { content?: readonly { text?: string }[] }
  return content?.[0]?.text ?? ''
}

async function openSocket(
  clientCapabilities: object = capabilities,
): Promise<{ socket: WebSocket; messages: Message[]; send: (message: object) => void }> {
  const socket = new WebSocket(server.webSocketUrl, 'mcp')
  sockets.push(socket)
  const messages: Message[] = []
  socket.on('message', (data) => messages.push(JSON.parse(String(data)) as Message))
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  const send = (message: object): void => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
  const clientInfo = { name: 'by-hand', version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: clientCapabilities, clientInfo }
  send({ id: 0, method: 'initialize', params })
  await until(() => messages.length === 1, 'the connection is initialised')
  return { socket, messages, send }
}

const call = (name: string) => ({ id: 1, method: 'tools/call', params: { name, arguments: {} } })

/** Opens a session whose client is asked by a call that waits; `answer` posts into any session. */
async function askOverHttp(): Promise<{
  session: string
  question: Message
  end: Promise<Message[]>
  answer: (sessionId: string, id: unknown, result: unknown) => Promise<number>
}> {
  const { id: session } = await initialize(server.url, { capabilities })
  const response = await post(server.url, { jsonrpc: '2.0', ...call('greet') }, { 'mcp-session-id': session })
  let tell: (question: Message) => void
  const asked = new Promise<Message>((resolve) => {
    tell = resolve
  })
  const end = readEvents(response, (message) => {
    if (message.method === 'elicitation/create') tell(message)
  })
  const answer = async (sessionId: string, id: unknown, result: unknown): Promise<number> =>
    (await post(server.url, { jsonrpc: '2.0', id, result }, { 'mcp-session-id': sessionId })).status
  return { session, question: await asked, end, answer }
}

describe('in the 2025 era', () => {
  test('the question goes down the stream of its call, and the answer comes back by POST', async () => {
    const { session, question, end, answer } = await askOverHttp()
    expect(question.params).toMatchObject({ message: 'What is your name?', requestedSchema: {} })
    expect(await answer(session, question.id, anna)).toBe(202)
    expect(textOf((await end).at(-1))).toBe('Hello, Anna!')
  })

  test("another session's answer settles nothing, though it knows the id", async () => {
    const { session, question, end, answer } = await askOverHttp()
    const { id: other } = await initialize(server.url, { capabilities })
    const mallory = { action: 'accept', content: { name: 'Mallory' } }
    expect(await answer(other, question.id, mallory)).toBe(202)
    expect(server.calls.inFlight).toBe(1)
    await answer(session, question.id, anna)
    expect(textOf((await end).at(-1))).toBe('Hello, Anna!')
  })

  test('a WebSocket carries question and answer as frames', async () => {
    const { messages, send } = await openSocket()
    send(call('greet'))
    await until(() => messages.length === 2, 'the question is here')
    send({ id: messages[1]?.id, result: anna })
    await until(() => messages.length === 3, 'the result is here')
    expect(textOf(messages[2])).toBe('Hello, Anna!')
  })

  test('a page has an id, and the client hears when it is done with', async () => {
    const { messages, send } = await openSocket()
    send(call('connect'))
    await until(() => messages.length === 2, 'the question is here')
    const params = messages[1]?.params ?? {}
    expect(params).toMatchObject({ mode: 'url', url: 'https://example.com/connect' })
    expect(String(params.elicitationId).length).toBeGreaterThan(20)
    send({ id: messages[1]?.id, result: { action: 'accept' } })
    await until(() => messages.length === 4, 'the result is here')
    expect(messages[2]).toMatchObject({
      method: 'notifications/elicitation/complete',
      params: { elicitationId: params.elicitationId },
    })
    expect(textOf(messages[3])).toBe('accept')
  })

  test('a client that says no, fails, or answers nonsense ends the question', async () => {
    const { messages, send } = await openSocket()
    const endOf = async (answer: object): Promise<Message | undefined> => {
      const before = messages.length
      send(call('greet'))
      await until(() => messages.length === before + 1, 'the question is here')
      send({ id: messages[before]?.id, ...answer })
      await until(() => messages.length === before + 2, 'the result is here')
      return messages[before + 1]
    }
    expect(textOf(await endOf({ result: { action: 'decline' } }))).toBe('Hello, decline!')
    expect(textOf(await endOf({ error: { code: -32601, message: 'No.' } }))).toBe('Hello, cancel!')
    const wrong = await endOf({ result: { action: 'accept', content: { name: 7 } } })
    expect(wrong?.result).toMatchObject({ isError: true })
    expect(textOf(wrong)).toContain('does not fit the form')
  })

  test('who did not say that it can is not asked, and told what is missing', async () => {
    const { messages, send } = await openSocket({ roots: {} })
    send(call('greet'))
    await until(() => messages.length === 2, 'the result is here')
    expect(messages[1]?.result).toMatchObject({ isError: true })
    expect(textOf(messages[1])).toContain('needs a client with elicitation')
  })

  test('a call that is cancelled takes its question back', async () => {
    const { messages, send } = await openSocket()
    send(call('greet'))
    await until(() => messages.length === 2, 'the question is here')
    send({ method: 'notifications/cancelled', params: { requestId: 1 } })
    await until(() => messages.length === 3, 'the question is taken back')
    expect(messages[2]).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: messages[1]?.id },
    })
    await until(() => server.calls.inFlight === 0, 'the call has ended')
  })

  test('a drain does not wait for a person: the call goes on without the answer', async () => {
    const { end } = await askOverHttp()
    await server.surface.drain()
    expect(textOf((await end).at(-1))).toBe('Hello, nobody!')
  })

  test('a client that leaves in mid-question leaves nothing behind', async () => {
    const { socket, messages, send } = await openSocket()
    send(call('greet'))
    await until(() => messages.length === 2, 'the question is here')
    socket.terminate()
    const { session, end } = await askOverHttp()
    const gone = await fetch(server.url, { method: 'DELETE', headers: { 'mcp-session-id': session } })
    expect(gone.status).toBe(204)
    await end
    await until(() => server.calls.inFlight === 0, 'every call has ended')
  })
})

interface Round {
  readonly resultType: string
  readonly requestState: string
  readonly inputRequests: Readonly<Record<string, { readonly method: string }>>
}
const ask = async (more: object = {}, client = 'window-1') => {
  const { json, status } = await callModern(
    server.url,
    'tools/call',
    { name: 'greet', arguments: {}, _meta: askingMeta, ...more },
    { headers: { 'x-exai-client': client } },
  )
  return { json, status, round: json.result as Round }
}

describe('in 2026-07-28', () => {
  test('the same tool is answered with its question, and completes with the answer', async () => {
    const { round } = await ask()
    expect(round).toMatchObject({
      resultType: 'input_required',
      inputRequests: { name: { method: 'elicitation/create' } },
    })
    expect(server.calls.inFlight).toBe(0)
    const { requestState } = round
    const { json } = await ask({ requestState, inputResponses: { name: anna } })
    expect(textOf(json)).toBe('Hello, Anna!')
  })

  test("another window's state, and a changed one, are refused", async () => {
    const { requestState } = (await ask()).round
    const inputResponses = { name: anna }
    const foreign = await ask({ requestState, inputResponses }, 'window-2')
    const changed = await ask({ requestState: `${requestState}A`, inputResponses })
    expect(foreign.json.error).toMatchObject({ code: -32602 })
    expect(changed.json.error).toEqual(foreign.json.error)
    expect(textOf((await ask({ requestState, inputResponses })).json)).toBe('Hello, Anna!')
  })

  test('who did not say that it can gets the error of this revision', async () => {
    const { json } = await ask({ _meta: modernMeta })
    expect(json.error).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { elicitation: { form: {} } } },
    })
  })

  test('a WebSocket serves its rounds as well', async () => {
    const { messages, send } = await openSocket()
    const params = { name: 'greet', arguments: {}, _meta: askingMeta }
    send({ id: 'a', method: 'tools/call', params })
    await until(() => messages.length === 2, 'the question is here')
    const { requestState } = (messages[1] as { readonly result: Round }).result
    const inputResponses = { name: anna }
    send({ id: 'b', method: 'tools/call', params: { ...params, requestState, inputResponses } })
    await until(() => messages.length === 3, 'the result is here')
    expect(textOf(messages[2])).toBe('Hello, Anna!')
  })
})

describe('a sabotaged build is found out', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test('whose questions any session may answer', async () => {
    const { put, settle } = OpenQuestions.prototype
    const everybodys: OpenQuestions[] = []
    vi.spyOn(OpenQuestions.prototype, 'put').mockImplementation(function seen(this: OpenQuestions, question) {
      everybodys.push(this)
      return put.call(this, question)
    })
    vi.spyOn(OpenQuestions.prototype, 'settle').mockImplementation((id, result) => {
      return everybodys.map((each) => settle.call(each, id, result)).some((isSettled) => isSettled)
    })
    const { question, end, answer } = await askOverHttp()
    const { id: other } = await initialize(server.url, { capabilities })
    await answer(other, question.id, { action: 'accept', content: { name: 'Mallory' } })
    expect(textOf((await end).at(-1))).toBe('Hello, Mallory!')
  })

  test('whose states are bound to nobody', async () => {
    const { seal, open } = SealedTokens.prototype
    vi.spyOn(SealedTokens.prototype, 'seal').mockImplementation(function loose(this: SealedTokens, payload) {
      return seal.call(this, payload, [])
    })
    vi.spyOn(SealedTokens.prototype, 'open').mockImplementation(function loose(this: SealedTokens, token) {
      return open.call(this, token, [])
    })
    const { requestState } = (await ask()).round
    const stolen = await ask({ requestState, inputResponses: { name: anna } }, 'window-2')
    expect(textOf(stolen.json)).toBe('Hello, Anna!')
  })
})

describe('the official clients answer the same tool', () => {
  const who = { name: 'official', version: '1' }
  // Without it their pool of connections would outlive them by seconds.
  const requestInit = { headers: { connection: 'close' } }
  const form = { capabilities: { elicitation: {} } }
  const answer = async () => ({ action: 'accept' as const, content: { name: 'Anna' } })
  const greeting = { name: 'greet', arguments: {} }

  test.each(['legacy', 'auto'] as const)('SDK 2, %s', async (mode) => {
    const client = new NewClient(who, { ...form, versionNegotiation: { mode } })
    client.setRequestHandler('elicitation/create', answer)
    await client.connect(new NewHttp(new URL(server.url), { requestInit }))
    expect(JSON.stringify(await client.callTool(greeting))).toContain('Hello, Anna!')
    await client.close()
  })

  test.each(['http', 'websocket'])('SDK 1 over %s', async (door) => {
    const client = new OldClient(who, form)
    client.setRequestHandler(ElicitRequestSchema, answer)
    const transport =
      door === 'http'
        ? new OldHttp(new URL(server.url), { requestInit })
        : new OldSocket(new URL(server.webSocketUrl))
    // Its transports' optional members are typed more loosely than exactOptionalPropertyTypes has it.
    await client.connect(transport as never)
    expect(JSON.stringify(await client.callTool(greeting))).toContain('Hello, Anna!')
    await client.close()
  })
})
