// Several messages in one list, as 2025-03-26 has them, on real sockets: each is served as if it had come alone, over HTTP, over
// WebSocket and before the whole server's limits. The official client of that era reads the answers. Answers that are lost,
// doubled or swapped would be found out.

import { once } from 'node:events'
import { connect } from 'node:net'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { identify } from '../../src/principals/identify.ts'
import type { Tool } from '../../src/tools/tool.ts'
import {
  echoTool,
  type McpComposition,
  slowTool,
  startMcpComposition,
  until,
} from '../support/mcp-composition.ts'
import { initialize, type Message, post, read, readEvents } from '../support/mcp-wire.ts'
import { startServer } from '../support/server-fixture.ts'

const version = '2025-03-26'

const ping = (id: number | string): object => ({ jsonrpc: '2.0', id, method: 'ping' })
const call = (id: number | string, name: string, args: object): object => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
})
const echo = (id: number | string): object => call(id, 'echo', { text: `said by ${id}` })
const slow = (id: number | string, waitMs: number): object =>
  call(id, 'slow', { text: `said by ${id}`, waitMs })
const brief = (id: number): object => call(id, 'brief', { text: 'x', waitMs: 50_000 })
const cancel = (requestId: number | string): object => ({
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId },
})
const saidBy = (id: number | string): object => ({ content: [{ type: 'text', text: `said by ${id}` }] })

/** What is wrong with the answers to calls of these ids; each says who it was said by. */
function wrongWith(ids: readonly number[], answers: readonly Message[]): string[] {
  const wrong = ids.flatMap((id) => {
    const own = answers.filter((answer) => answer.id === id)
    if (own.length !== 1) return [`${id} has ${own.length} answers`]
    const text = JSON.stringify(own[0]?.result)
    return text === JSON.stringify(saidBy(id)) ? [] : [`${id} got ${text}`]
  })
  return answers.length === ids.length ? wrong : [...wrong, `${answers.length} answers in all`]
}

/** Waits like its model, and is not kept for a client that has left. */
const briefTool: Tool = { ...slowTool, name: 'brief', pace: 'instant' }

let server: McpComposition

beforeEach(async () => {
  server = await startMcpComposition({ tools: [echoTool, slowTool, briefTool] })
})

afterEach(async () => {
  await until(() => server.surface.inspect().callsInFlight === 0, 'no call is left')
  await until(() => server.surface.inspect().connections === 0, 'no connection is left')
  expect(server.calls.inFlight).toBe(0)
  expect(server.events.filter((event) => event.type === 'surface-failed')).toEqual([])
  await server.close()
  expect(server.listener.inspect()).toEqual({ connections: 0, inFlight: 0 })
})

const rejections = (): number => server.events.filter((event) => event.type === 'message-rejected').length

describe('over HTTP', () => {
  let headers: Readonly<Record<string, string>>

  beforeEach(async () => {
    headers = { 'mcp-session-id': (await initialize(server.url, { version })).id }
  })

  const postBatch = (batch: readonly unknown[], more: object = {}, signal?: AbortSignal): Promise<Response> =>
    post(server.url, batch, { ...headers, ...more }, signal)
  const plain = { accept: 'application/json' }

  test('every request is answered on one stream as soon as it is done, and the head does not wait', async () => {
    const response = await postBatch([slow('long', 30_000), echo(1), ping(2), cancel('nobody'), slow(3, 40)])
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(server.calls.inFlight).toBeGreaterThan(0)
    const seen: Message[] = []
    const all = readEvents(response, (message) => seen.push(message))
    await until(() => seen.length === 3, 'all but the long one are answered')
    expect(seen.map(({ id }) => id).toSorted()).toEqual([1, 2, 3])
    expect(seen.find(({ id }) => id === 3)?.result).toEqual(saidBy(3))
    expect((await postBatch([cancel('long')])).status).toBe(202)
    expect(await all).toHaveLength(3)
  })

  test('the official client of that era reads every answer', async () => {
    const transport = new StreamableHTTPClientTransport(new URL(server.url), {
      requestInit: { headers: { connection: 'close' } },
    })
    const heard: Message[] = []
    transport.onmessage = (message) => heard.push(message as Message)
    await transport.start()
    const params = {
      protocolVersion: version,
      capabilities: {},
      clientInfo: { name: 'official', version: '1' },
    }
    await transport.send({ jsonrpc: '2.0', id: 'init', method: 'initialize', params })
    await until(() => heard.length === 1, 'it is initialised')
    expect(heard.splice(0)[0]?.result).toMatchObject({ protocolVersion: version })
    transport.setProtocolVersion(version)
    const ids = Array.from({ length: 20 }, (_, id) => id)
    const batch = [
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      ...ids.map((id) => (id % 2 === 0 ? echo(id) : slow(id, 5))),
    ]
    await transport.send(batch as never)
    await until(() => heard.length === ids.length, 'every one is answered')
    expect(wrongWith(ids, heard)).toEqual([])
    await transport.close()
  })

  test('a client that takes no stream gets one list, when all are done', async () => {
    const answer = await read(await postBatch([slow(1, 20), echo(2), slow(3, 1)], plain))
    expect(answer).toMatchObject({ status: 200, type: 'application/json' })
    expect(wrongWith([1, 2, 3], JSON.parse(answer.text) as Message[])).toEqual([])
    // What is answered in the turn it is read in does not end the answer to the rest.
    const atOnce = await read(await postBatch([ping(1), ping(2)], plain))
    expect(JSON.parse(atOnce.text)).toMatchObject([{ id: 1 }, { id: 2 }])
    expect(await readEvents(await postBatch([ping(1), ping(2)]))).toMatchObject([{ id: 1 }, { id: 2 }])
    // A list of one is answered by a list.
    expect((await read(await postBatch([ping(1)], plain))).json).toEqual([
      { jsonrpc: '2.0', id: 1, result: {} },
    ])
  })

  test('lists without a request are 202, and do what they say', async () => {
    const running = await postBatch([slow('a', 30_000), slow('b', 30_000)])
    await until(() => server.calls.inFlight === 2, 'both run')
    const told = await postBatch([cancel('a'), { jsonrpc: '2.0', id: 'unasked', result: {} }, cancel('b')])
    expect([told.status, await told.text()]).toEqual([202, ''])
    expect(await readEvents(running)).toEqual([])
    const unread = postBatch([slow('c', 30_000)], plain)
    await until(() => server.calls.inFlight === 1, 'it runs')
    await postBatch([cancel('c')])
    expect((await unread).status).toBe(202)
  })

  test('what is wrong in a list has its own error, is counted, and harms nothing beside it', async () => {
    const notes = [7, { jsonrpc: '2.0', id: 9, method: 7 }, [ping(8)], { ...ping('i'), method: 'initialize' }]
    const answers = await readEvents(await postBatch([...notes, echo(1)]))
    expect(answers.filter(({ id }) => id === 1)).toMatchObject([{ result: saidBy(1) }])
    const errors = answers.filter(({ error }) => error !== undefined)
    expect(errors.map(({ id, error }) => [id, error?.code])).toEqual([
      [undefined, -32600],
      [9, -32600],
      [undefined, -32600],
      ['i', -32600],
    ])
    expect(rejections()).toBe(4)
    const none = await read(await postBatch(notes))
    expect(none.status).toBe(400)
    expect(JSON.parse(none.text)).toHaveLength(4)
    expect(rejections()).toBe(8)
  })

  test('the same id twice in one list is one call and one refusal', async () => {
    const answers = await readEvents(await postBatch([slow(1, 30), slow(1, 30)]))
    expect(answers.map(({ error }) => error?.code)).toEqual([-32600, undefined])
    expect(answers[1]?.result).toEqual(saidBy(1))
  })

  test('lists that are empty or too long, and lists in other revisions, are refused whole', async () => {
    const refused = async (batch: readonly unknown[], more: object = {}): Promise<string> => {
      const { status, json } = await read(await postBatch(batch, more))
      expect(status).toBe(400)
      expect(json.id).toBeUndefined()
      expect(json.error?.code).toBe(-32600)
      return json.error?.message ?? ''
    }
    expect(await refused([])).toMatch(/empty list/)
    expect(await refused(Array.from({ length: 51 }, (_, id) => echo(id)))).toMatch(/at most 50.*holds 51/)
    for (const other of ['2025-11-25', '2025-06-18', '2024-11-05']) {
      const { id } = await initialize(server.url, { version: other })
      const said = await refused([echo(1)], { 'mcp-session-id': id })
      expect(said).toMatch(new RegExp(`part of 2025-03-26 alone, and here ${other} is spoken`))
    }
    expect(await refused([echo(1)], { 'mcp-protocol-version': '2026-07-28' })).toMatch(/here 2026-07-28/)
    const nowhere = await read(await post(server.url, [echo(1)]))
    expect([nowhere.status, nowhere.json.error?.message]).toEqual([400, expect.stringMatching(/Session-Id/)])
  })

  test('a client that leaves ends every call of its list that nobody would ask for again', async () => {
    const leaving = new AbortController()
    await postBatch([brief(1), brief(2), echo(3)], {}, leaving.signal)
    await until(() => server.calls.inFlight === 2, 'both run')
    const waiting = postBatch([brief(4), brief(5)], plain, leaving.signal)
    await until(() => server.calls.inFlight === 4, 'those without a stream run')
    leaving.abort()
    await expect(waiting).rejects.toThrow(/abort/)
    await until(() => server.calls.inFlight === 0, 'all have ended')
  }, 25_000)

  test('what a client that can come back did not take waits for it, call by call', async () => {
    const client = 'window-that-returns'
    const session = await initialize(server.url, { version, headers: { 'x-exai-client': client } })
    const own = { 'mcp-session-id': session.id, 'x-exai-client': client }
    const leaving = new AbortController()
    await postBatch([slow(1, 60), slow(2, 30_000), echo(3)], own, leaving.signal)
    await until(() => server.calls.inFlight === 1, 'one is answered and one runs')
    leaving.abort()
    const identity = identify({ clientHeader: client, isLoopback: true })
    const states = (): string[] => server.late.list(identity).map(({ state }) => state)
    await until(() => states().length === 2, 'both are known')
    expect(states().toSorted()).toEqual(['running', 'waiting'])
    await postBatch([cancel(2)], own)
    await until(() => server.calls.inFlight === 0, 'it is cancelled')
    expect(server.late.list(identity).map(({ callId }) => server.late.claim(identity, callId))).toMatchObject(
      [saidBy(1)],
    )
  })
})

describe('a reader that takes nothing', () => {
  const client = 'window-that-rests'
  const identity = identify({ clientHeader: client, isLoopback: true })
  /** More than the sockets between us take. */
  const chars = 8_000_000
  const bulkTool: Tool = { ...slowTool, name: 'bulk', run: async () => bulk }
  const bulk = { content: [{ type: 'text' as const, text: 'x'.repeat(chars) }] }

  test.each([
    ['its stream', 'application/json, text/event-stream'],
    ['its one list', 'application/json'],
  ])('loses %s, and every answer in it waits', async (_what, accept) => {
    const slowServer = await startMcpComposition({ tools: [slowTool, bulkTool], slowReaderMs: 300 })
    const headers = { 'x-exai-client': client, connection: 'close' }
    const { id } = await initialize(slowServer.url, { version, headers })
    const socket = connect(slowServer.port, '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.pause()
    const batch = [call(1, 'bulk', { text: '', waitMs: 0 }), call(2, 'bulk', { text: '', waitMs: 0 })]
    const body = JSON.stringify(accept.includes('stream') ? [...batch, slow(3, 1_500)] : batch)
    socket.write(
      `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:${slowServer.port}\r\naccept: ${accept}\r\ncontent-type: application/json\r\nmcp-session-id: ${id}\r\nx-exai-client: ${client}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    const waiting = (): number =>
      slowServer.late.list(identity).filter(({ state }) => state === 'waiting').length
    const due = accept.includes('stream') ? 3 : 2
    await until(() => waiting() === due, 'every answer waits')
    expect(slowServer.events.filter(({ type }) => type === 'reader-lost')).toHaveLength(1)
    expect(slowServer.calls.inFlight).toBe(0)
    const sizes = slowServer.late
      .list(identity)
      .map(({ callId }) => JSON.stringify(slowServer.late.claim(identity, callId)?.content).length)
    expect(sizes.filter((size) => size > chars)).toHaveLength(2)
    socket.destroy()
    await slowServer.close()
    expect(slowServer.flow.inspect()).toMatchObject({ behind: 0, spooledBytes: 0 })
  })
})

describe('over WebSocket', () => {
  const open = async (spoken: string | null): Promise<{ socket: WebSocket; heard: Message[] }> => {
    const socket = new WebSocket(server.webSocketUrl, 'mcp')
    const heard: Message[] = []
    socket.on('message', (data) => heard.push(JSON.parse(String(data)) as Message))
    await new Promise((resolve) => socket.once('open', resolve))
    if (spoken === null) return { socket, heard }
    const params = { protocolVersion: spoken, capabilities: {}, clientInfo: { name: 'list', version: '1' } }
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 'init', method: 'initialize', params }))
    await until(() => heard.length === 1, 'it is initialised')
    heard.length = 0
    return { socket, heard }
  }

  test('every request is answered by a frame of its own as soon as it is done', async () => {
    const { socket, heard } = await open(version)
    socket.send(JSON.stringify([slow('long', 30_000), 7, echo(1), slow(2, 20), cancel('nobody')]))
    await until(() => heard.length === 3, 'all but the long one are answered')
    expect(heard.map(({ error }) => error?.code)).toContain(-32600)
    expect(rejections()).toBe(1)
    expect(
      wrongWith(
        [1, 2],
        heard.filter(({ error }) => error === undefined),
      ),
    ).toEqual([])
    socket.send(JSON.stringify([cancel('long'), ping(3)]))
    await until(() => heard.length === 4 && server.calls.inFlight === 0, 'it is cancelled')
    socket.send(JSON.stringify([slow(4, 30_000), slow(5, 30_000)]))
    await until(() => server.calls.inFlight === 2, 'both run')
    socket.terminate()
    await until(() => server.calls.inFlight === 0, 'its leaving ended both')
  })

  test('lists before the handshake and in other revisions are refused', async () => {
    for (const [spoken, said] of [
      [null, /nothing is agreed on here yet/],
      ['2025-11-25', /part of 2025-03-26 alone, and here 2025-11-25 is spoken/],
    ] as const) {
      const { socket, heard } = await open(spoken)
      socket.send(JSON.stringify([echo(1)]))
      await until(() => heard.length === 1, 'it is answered')
      expect(heard[0]?.error).toMatchObject({ code: -32600, message: expect.stringMatching(said) })
      socket.close()
    }
  })

  test('a server that is leaving finishes the whole of a list first', async () => {
    const { socket, heard } = await open(version)
    const closed = new Promise<number>((resolve) => socket.once('close', resolve))
    socket.send(JSON.stringify([slow('first', 60)]))
    await until(() => server.calls.inFlight === 1, 'it runs')
    const drained = server.surface.drain()
    socket.send(JSON.stringify([cancel('first'), ping(1), slow(2, 20)]))
    expect(await closed).toBe(1012)
    await drained
    expect(heard.find(({ id }) => id === 2)?.result).toEqual(saidBy(2))
  })
})

describe('before the limits of the whole server', () => {
  const limits = 'limits: { client: { requestsPerMinute: 6, burst: 4, concurrency: 8 } }'

  const ask = (id: number): object => call(id, 'version', {})

  test.each([
    ['each request of a list counts at the front door', 6, ask, 2],
    ['ten messages that are none make the share small', 14, (id: number) => (id < 10 ? id : ask(id)), 3],
    ['nine do not yet', 13, (id: number) => (id < 9 ? id : ask(id)), 0],
  ])('%s', async (what, count, message, refusals) => {
    const whole = await startServer({ yaml: limits })
    try {
      const client = { 'x-exai-client': 'window-with-lists', connection: 'close' }
      const url = `${whole.url}/mcp`
      const { id } = await initialize(url, { version, headers: client })
      const batch = Array.from({ length: count }, (_, each) => message(each))
      const answers = await readEvents(await post(url, batch, { ...client, 'mcp-session-id': id }))
      expect(answers, what).toHaveLength(count)
      expect(answers.filter((each) => JSON.stringify(each).includes('exai/refusal'))).toHaveLength(refusals)
    } finally {
      await whole.stop()
    }
  })
})

describe('what would be found out', () => {
  const answers = [1, 2, 3].map((id): Message => ({ jsonrpc: '2.0', id, result: saidBy(id) }))
  const [first, second, third] = answers as [Message, Message, Message]

  test.each([
    ['an answer that is lost', [first, third], '2 has 0 answers'],
    ['an answer that is given twice', [...answers, second], '2 has 2 answers'],
    ['answers that are swapped', [{ ...first, id: 2 }, { ...second, id: 1 }, third], '1 got '],
    ['an answer to nobody', [...answers, { ...third, id: 4 }], '4 answers in all'],
  ])('%s', (_what, given, said) => {
    expect(wrongWith([1, 2, 3], answers)).toEqual([])
    expect(wrongWith([1, 2, 3], given).join()).toContain(said)
  })
})
