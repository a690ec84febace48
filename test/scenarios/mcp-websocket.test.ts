// MCP over WebSocket on real sockets: many calls at once on one connection, closes with the right code, nothing left.

import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { revokedFailure } from '../../src/principals/callers.ts'
import { defineTool } from '../../src/tools/tool.ts'
import {
  echoTool,
  type McpComposition,
  rootsTool,
  slowTool,
  startMcpComposition,
  until,
} from '../support/mcp-composition.ts'
import { type Message, modernMeta } from '../support/mcp-wire.ts'

/** Ends by no word of ours. */
const deafTool = defineTool({
  name: 'deaf',
  title: 'Deaf',
  description: 'Never ends.',
  input: z.strictObject({}),
  annotations: {},
  pace: 'long',
  run: () => new Promise(() => undefined),
})

const tools = [slowTool, echoTool, rootsTool, deafTool]
let server: McpComposition

beforeEach(async () => {
  server = await startMcpComposition({ tools })
})

afterEach(async () => {
  await until(() => server.surface.inspect().connections === 0, 'every connection is gone')
  await until(() => server.calls.inFlight === 0, 'no call is left')
  expect(server.surface.inspect()).toEqual({
    sessions: 0,
    streams: 0,
    subscriptions: 0,
    connections: 0,
    callsInFlight: 0,
    late: { running: 0, results: 0, bytes: 0, clients: 0 },
    cut: { calls: 0, refused: 0 },
    resumable: { logs: 0, bytes: 0 },
    clients: [],
  })
  await server.close()
  expect(server.door.inspect()).toEqual({ connections: 0 })
  expect(server.listener.inspect()).toEqual({ connections: 0, inFlight: 0 })
})

/** One client: sends, collects, waits for what it looks for. */
class TestClient {
  readonly socket: WebSocket
  readonly messages: Message[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  onRequest: (message: Message) => void = () => undefined

  constructor(url: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(url, 'mcp', { headers })
    this.socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as Message
      this.messages.push(message)
      if (message.method !== undefined && message.id !== undefined) this.onRequest(message)
    })
    this.closed = new Promise((resolve) =>
      this.socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })),
    )
  }

  async open(): Promise<this> {
    await new Promise((resolve, reject) => {
      this.socket.once('open', resolve)
      this.socket.once('error', reject)
    })
    return this
  }

  send(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message }))
  }

  async answer(id: string | number): Promise<Message> {
    const find = (): Message | undefined =>
      this.messages.find((message) => message.id === id && message.method === undefined)
    await until(() => find() !== undefined, `an answer to ${id}`)
    return find() ?? {}
  }

  async initialize(capabilities: object = {}): Promise<this> {
    this.send({
      id: 'init',
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'ws-test', version: '1' } },
    })
    await this.answer('init')
    this.send({ method: 'notifications/initialized' })
    return this
  }

  async close(): Promise<void> {
    this.socket.close()
    await this.closed
  }
}

const connect = async (headers?: Record<string, string>): Promise<TestClient> =>
  (await new TestClient(server.webSocketUrl, headers).open()).initialize()

const slow = (text: string, waitMs: number, token?: string): object => ({
  name: 'slow',
  arguments: { text, waitMs },
  ...(token === undefined ? {} : { _meta: { progressToken: token } }),
})

test('five windows with equal ids run many calls at once and no answer crosses over', async () => {
  const windows = await Promise.all(Array.from({ length: 5 }, () => connect()))
  for (let id = 0; id < 8; id++) {
    windows.forEach((window, who) => {
      window.send({ id, method: 'tools/call', params: slow(`window ${who} call ${id}`, 20) })
    })
  }
  await until(() => server.calls.inFlight > 5, 'calls run side by side')
  for (const [who, window] of windows.entries()) {
    for (let id = 0; id < 8; id++) {
      expect((await window.answer(id)).result).toEqual({
        content: [{ type: 'text', text: `window ${who} call ${id}` }],
      })
    }
  }
  expect(server.surface.inspect().connections).toBe(5)
  await Promise.all(windows.map((window) => window.close()))
})

test('progress goes to the token of its call, and the path / serves as well', async () => {
  const window = new TestClient(`ws://127.0.0.1:${server.port}/`)
  await (await window.open()).initialize()
  window.send({ id: 1, method: 'tools/call', params: slow('tea', 1, 'tok') })
  await window.answer(1)
  const progress = window.messages.filter((message) => message.method === 'notifications/progress')
  expect(progress.map((message) => message.params?.progressToken)).toEqual(['tok', 'tok'])
  await window.close()
})

test('a close aborts the calls of that connection and of no other', async () => {
  const [leaving, staying] = [await connect(), await connect()]
  leaving.send({ id: 1, method: 'tools/call', params: slow('gone', 30_000) })
  staying.send({ id: 1, method: 'tools/call', params: slow('here', 150) })
  await until(() => server.calls.inFlight === 2, 'both run')
  leaving.socket.terminate()
  await until(() => server.calls.inFlight === 1, 'one is aborted')
  expect((await staying.answer(1)).result).toEqual({ content: [{ type: 'text', text: 'here' }] })
  await staying.close()
})

test('notifications/cancelled ends a call without an answer', async () => {
  const window = await connect()
  window.send({ id: 1, method: 'tools/call', params: slow('x', 30_000) })
  await until(() => server.calls.inFlight === 1, 'it runs')
  window.send({ method: 'notifications/cancelled', params: { requestId: 1 } })
  await until(() => server.calls.inFlight === 0, 'it is aborted')
  window.send({ id: 2, method: 'ping' })
  await window.answer(2)
  expect(window.messages.some((message) => message.id === 1)).toBe(false)
  await window.close()
})

test('an id that is still in use is refused; the first call is answered all the same', async () => {
  const window = await connect()
  window.send({ id: 1, method: 'tools/call', params: slow('first', 80) })
  window.send({ id: 1, method: 'tools/call', params: slow('second', 1) })
  await until(() => window.messages.filter((message) => message.id === 1).length === 2, 'both answers')
  const [refused, answered] = window.messages.filter((message) => message.id === 1)
  expect(refused?.error?.code).toBe(-32600)
  expect(answered?.result).toEqual({ content: [{ type: 'text', text: 'first' }] })
  await window.close()
})

test('roots are asked on the connection', async () => {
  const window = new TestClient(server.webSocketUrl)
  window.onRequest = (message) => {
    expect(message.method).toBe('roots/list')
    window.send({
      id: message.id ?? 0,
      result: { roots: [{ uri: 'file:///home/ada/a%20b' }, { uri: 'ftp://x' }] },
    })
  }
  await (await window.open()).initialize({ roots: {} })
  window.send({ id: 1, method: 'tools/call', params: { name: 'roots', arguments: {} } })
  expect((await window.answer(1)).result).toEqual({ content: [{ type: 'text', text: '/home/ada/a b' }] })
  await window.close()
})

test('a client that never answers roots/list costs a bounded wait, once', async () => {
  await server.close()
  server = await startMcpComposition({ tools, limits: { rootsWaitMs: 50 } })
  const window = new TestClient(server.webSocketUrl)
  await (await window.open()).initialize({ roots: {} })
  window.send({ id: 1, method: 'tools/call', params: { name: 'roots', arguments: {} } })
  await window.answer(1)
  window.send({ id: 2, method: 'tools/call', params: { name: 'roots', arguments: {} } })
  await window.answer(2)
  expect(window.messages.filter((message) => message.method === 'roots/list')).toHaveLength(1)
  await window.close()
})

test('the stateless era is served on a connection too, with cancel by id', async () => {
  const window = await new TestClient(server.webSocketUrl).open()
  const params = (rest: object): object => ({ _meta: modernMeta, ...rest })
  window.send({ id: 1, method: 'server/discover', params: params({}) })
  expect((await window.answer(1)).result).toMatchObject({ supportedVersions: ['2026-07-28'] })
  window.send({
    id: 2,
    method: 'subscriptions/listen',
    params: params({ notifications: { toolsListChanged: true } }),
  })
  await until(() => server.surface.inspect().subscriptions === 1, 'it is subscribed')
  server.surface.replaceTools(tools)
  await until(
    () => window.messages.some((message) => message.method === 'notifications/tools/list_changed'),
    'the change is told',
  )
  window.send({ method: 'notifications/cancelled', params: { requestId: 2 } })
  await until(() => server.surface.inspect().subscriptions === 0, 'it is cancelled')
  window.send({ id: 3, method: 'tools/call', params: params({ name: 'echo', arguments: { text: 'x' } }) })
  expect((await window.answer(3)).result).toMatchObject({ resultType: 'complete' })
  await window.close()
})

test('before initialize only ping is answered', async () => {
  const window = await new TestClient(server.webSocketUrl).open()
  window.send({ id: 1, method: 'tools/list' })
  expect((await window.answer(1)).error?.message).toContain('initialize')
  window.send({ id: 2, method: 'ping' })
  expect((await window.answer(2)).result).toEqual({})
  await window.close()
})

test('drain waits for the running call, answers it, and closes with 1012', async () => {
  const [busy, idle] = [await connect(), await connect()]
  busy.send({ id: 1, method: 'tools/call', params: slow('to the end', 100) })
  await until(() => server.calls.inFlight === 1, 'it runs')
  const drained = Promise.all([server.surface.drain(), server.door.drain()])
  expect((await idle.closed).code).toBe(1012)
  expect((await busy.closed).code).toBe(1012)
  expect((await busy.answer(1)).result).toEqual({ content: [{ type: 'text', text: 'to the end' }] })
  await drained
})

test('whose key is revoked hears what ended its calls, is heard no more, and is closed with 1008', async () => {
  const [busy, deaf, listening, idle] = [await connect(), await connect(), await connect(), await connect()]
  busy.send({ id: 1, method: 'tools/call', params: slow('never', 60_000) })
  deaf.send({ id: 1, method: 'tools/call', params: { name: 'deaf', arguments: {} } })
  const notifications = { toolsListChanged: true }
  listening.send({ id: 1, method: 'subscriptions/listen', params: { notifications, _meta: modernMeta } })
  await until(() => server.calls.inFlight === 2 && server.surface.inspect().subscriptions === 1, 'all run')
  server.calls.expel(['local'], revokedFailure())
  server.surface.expel(['local'])
  server.surface.replaceTools(tools)
  // What stops the server takes no other word, and comes before what will not end.
  const drained = Promise.all([server.surface.drain(), server.door.drain()])
  deaf.send({ id: 2, method: 'ping' })
  for (const { closed } of [busy, deaf, listening, idle]) {
    expect(await closed).toEqual({ code: 1008, reason: 'The key of this connection has been revoked.' })
  }
  const told = {
    id: 1,
    result: { isError: true, content: [{ text: expect.stringContaining('has been revoked') }] },
  }
  for (const { messages } of [busy, deaf]) expect(messages.slice(1)).toMatchObject([told])
  expect(listening.messages.at(-1)).toMatchObject({ id: 1, result: { resultType: 'complete' } })
  await drained
})

test('without the subprotocol the upgrade is refused with a sentence', async () => {
  for (const offered of [[], ['graphql-ws']]) {
    const status = await new Promise<string>((resolve) => {
      const socket = new WebSocket(server.webSocketUrl, offered)
      socket.on('unexpected-response', (_request, response) => {
        response.on('data', (data: Buffer) => resolve(`${response.statusCode} ${data}`))
      })
      socket.on('error', () => undefined)
    })
    expect(status).toMatch(/^400 .*subprotocol "mcp"/)
  }
})

test('a frame too large is 1009 with a sentence, a binary one 1003, and others go on', async () => {
  const other = await connect()
  const large = await connect()
  large.send('x'.repeat(5 * 1024 * 1024))
  expect(await large.closed).toEqual({
    code: 1009,
    reason:
      'A message may have 4194304 bytes. Nothing of this one was done: name a file by its path, or upload it.',
  })
  const binary = await connect()
  binary.socket.send(Buffer.from([1, 2, 3]))
  expect((await binary.closed).code).toBe(1003)
  other.send({ id: 1, method: 'ping' })
  expect((await other.answer(1)).result).toEqual({})
  await other.close()
})

test('windows are told apart by their header, else by their connection', async () => {
  const named = [
    await connect({ 'x-exai-client': 'window-one', 'x-exai-label': 'api%40main' }),
    await connect({ 'x-exai-client': 'window-two' }),
    await connect(),
    await connect(),
  ]
  const { clients } = server.surface.inspect()
  expect(new Set(clients.map((client) => client.client)).size).toBe(4)
  expect(clients.map((client) => client.label)).toContain('api@main')
  await Promise.all(named.map((window) => window.close()))
})
