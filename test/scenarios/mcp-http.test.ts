// MCP over HTTP, both eras, on real sockets: sessions, streams, cancel, disconnect, and the official SDK clients as
// referees. Every test ends with nothing left on the server.

import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  echoTool,
  failingTool,
  type McpComposition,
  rootsTool,
  slowTool,
  startMcpComposition,
  until,
} from '../support/mcp-composition.ts'
import { callModern, initialize, type Message, post, postLegacy, readEvents } from '../support/mcp-wire.ts'

const tools = [slowTool, echoTool, rootsTool, failingTool]
let server: McpComposition

beforeEach(async () => {
  server = await startMcpComposition({ tools })
})

afterEach(async () => {
  await until(() => server.surface.inspect().callsInFlight === 0, 'no call is left')
  expect(server.calls.inFlight).toBe(0)
  await server.close()
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
  expect(server.listener.inspect()).toEqual({ connections: 0, inFlight: 0 })
})

describe('the 2025 era', () => {
  test('initialize negotiates each known revision and offers the newest for an unknown one', async () => {
    for (const version of ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']) {
      expect((await initialize(server.url, { version })).version).toBe(version)
    }
    expect((await initialize(server.url, { version: '2031-01-01' })).version).toBe('2025-11-25')
  })

  test('a session works until it is deleted, and is 404 afterwards', async () => {
    const session = await initialize(server.url)
    const answer = await postLegacy(server.url, session.id, 'tools/call', {
      name: 'echo',
      arguments: { text: 'hello' },
    })
    expect(answer.json).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { content: [{ type: 'text', text: 'hello' }] },
    })
    const gone = await fetch(server.url, { method: 'DELETE', headers: { 'mcp-session-id': session.id } })
    expect(gone.status).toBe(204)
    const after = await postLegacy(server.url, session.id, 'ping')
    expect(after.status).toBe(404)
    expect(after.json.error?.code).toBe(-32001)
  })

  test('a session id opens nothing for another window', async () => {
    const mine = await initialize(server.url, { headers: { 'x-exai-client': 'window-one' } })
    const theirs = await postLegacy(server.url, mine.id, 'ping', {}, { 'x-exai-client': 'window-two' })
    expect(theirs.status).toBe(404)
    const own = await postLegacy(server.url, mine.id, 'ping', {}, { 'x-exai-client': 'window-one' })
    expect(own.json.result).toEqual({})
  })

  test('the list is sorted and the same bytes every time', async () => {
    const session = await initialize(server.url)
    const first = await postLegacy(server.url, session.id, 'tools/list')
    const second = await postLegacy(server.url, session.id, 'tools/list')
    expect(first.text).toBe(second.text)
    const names = (first.json.result as { tools: { name: string }[] }).tools.map((tool) => tool.name)
    expect(names).toEqual(['echo', 'fail', 'roots', 'slow'])
  })

  test('a long call streams readable progress with rising numbers, then one result', async () => {
    const session = await initialize(server.url)
    const messages = await readEvents(
      await post(
        server.url,
        {
          jsonrpc: '2.0',
          id: 'a',
          method: 'tools/call',
          params: {
            name: 'slow',
            arguments: { text: 'tea', waitMs: 1 },
            _meta: { progressToken: 't' },
          },
        },
        { 'mcp-session-id': session.id },
      ),
    )
    expect(messages.map((message) => message.params?.message ?? message.id)).toEqual([
      "Waiting for glm: 3rd of 7, about 12 s (2 slots: 1 yours, 1 other windows')",
      'Working on tea',
      'a',
    ])
    expect(messages.slice(0, 2).map((message) => message.params?.progress)).toEqual([1, 2])
  })

  test('a client that takes no event stream gets one JSON body', async () => {
    const session = await initialize(server.url)
    const answer = await postLegacy(
      server.url,
      session.id,
      'tools/call',
      { name: 'slow', arguments: { text: 'tea', waitMs: 1 } },
      { accept: 'application/json' },
    )
    expect(answer.type).toBe('application/json')
    expect(JSON.stringify(answer.json.result)).toContain('tea')
  })

  test('notifications/cancelled ends the call without an answer', async () => {
    const session = await initialize(server.url)
    const response = await post(
      server.url,
      {
        jsonrpc: '2.0',
        id: 9,
        method: 'tools/call',
        params: { name: 'slow', arguments: { text: 'x', waitMs: 30_000 } },
      },
      { 'mcp-session-id': session.id },
    )
    await until(() => server.surface.inspect().callsInFlight === 1, 'the call runs')
    const cancelled = await post(
      server.url,
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 9 } },
      { 'mcp-session-id': session.id },
    )
    expect(cancelled.status).toBe(202)
    expect(await readEvents(response)).toEqual([])
  })

  test('another session cannot cancel it', async () => {
    const [one, two] = [await initialize(server.url), await initialize(server.url)]
    const running = postLegacy(server.url, one.id, 'tools/call', {
      name: 'slow',
      arguments: { text: 'mine', waitMs: 150 },
    })
    await until(() => server.surface.inspect().callsInFlight === 1, 'the call runs')
    await post(
      server.url,
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
      { 'mcp-session-id': two.id },
    )
    expect((await running).text).toContain('mine')
  })

  test('a client that closes a stream of its own in mid-call has its call aborted', async () => {
    const leaving = new AbortController()
    const response = await callModern.raw(
      server.url,
      'tools/call',
      { name: 'slow', arguments: { text: 'x', waitMs: 30_000 } },
      { id: 1, signal: leaving.signal },
    )
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(server.calls.inFlight).toBe(1)
    leaving.abort()
    await until(() => server.calls.inFlight === 0, 'the call is aborted')
  })

  test('roots are asked over the GET stream, kept, and asked again when they change', async () => {
    const client = new LegacyClient(
      { name: 'rooted', version: '1' },
      { capabilities: { roots: { listChanged: true } } },
    )
    let asked = 0
    let folder = '/home/ada/api'
    const { ListRootsRequestSchema } = await import('@modelcontextprotocol/sdk/types.js')
    client.setRequestHandler(ListRootsRequestSchema, async () => {
      asked += 1
      return { roots: [{ uri: `file://${folder}` }] }
    })
    await client.connect(new LegacyTransport(new URL(server.url)) as never)
    const ask = async (): Promise<string> =>
      JSON.stringify((await client.callTool({ name: 'roots', arguments: {} })).content)
    expect(await ask()).toContain('/home/ada/api')
    expect(await ask()).toContain('/home/ada/api')
    expect(asked).toBe(1)
    folder = '/home/ada/web'
    await client.sendRootsListChanged()
    expect(await ask()).toContain('/home/ada/web')
    expect(asked).toBe(2)
    await client.close()
  })

  test('a newer GET stream takes the place of the older one', async () => {
    const session = await initialize(server.url)
    const headers = { accept: 'text/event-stream', 'mcp-session-id': session.id }
    const first = await fetch(server.url, { headers })
    const second = await fetch(server.url, { headers })
    expect(await first.text()).not.toContain('data: {')
    expect(server.surface.inspect().streams).toBe(1)
    await second.body?.cancel()
    await until(() => server.surface.inspect().streams === 0, 'the stream is closed')
  })

  test('full means 503 with a sentence for one more, and never touches the others', async () => {
    await server.close()
    server = await startMcpComposition({ tools, limits: { sessionsMax: 2 } })
    const kept = await initialize(server.url)
    await initialize(server.url)
    const refused = await post(server.url, {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    })
    expect(refused.status).toBe(503)
    expect(await refused.text()).toMatch(/All 2 sessions are taken\. .*try again/)
    expect((await postLegacy(server.url, kept.id, 'ping')).status).toBe(200)
  })

  test('idle sessions leave the memory, one with an open stream does not; the ids of both go on working', async () => {
    await server.close()
    server = await startMcpComposition({ tools, limits: { sessionIdleMs: 1 } })
    const [idle, open] = [await initialize(server.url), await initialize(server.url)]
    const stream = await fetch(server.url, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': open.id },
    })
    await until(() => server.surface.inspect().sessions === 1, 'the idle session is gone')
    expect((await postLegacy(server.url, idle.id, 'ping')).status).toBe(200)
    expect(server.events).toContainEqual(expect.objectContaining({ type: 'session-resumed' }))
    expect((await postLegacy(server.url, open.id, 'ping')).status).toBe(200)
    await stream.body?.cancel()
  })

  test('refusals and failures reach the model as sentences, never as HTTP 429', async () => {
    const session = await initialize(server.url)
    const answer = await postLegacy(server.url, session.id, 'tools/call', {
      name: 'fail',
      arguments: { how: 'failure' },
    })
    expect(answer.status).toBe(200)
    expect(answer.json.result).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: 'GLM is busy for this account. Try again in 5 s.' }],
      _meta: { 'exai/failure': { code: 'rate-limited', retryAfterMs: 4200 } },
    })
    const bug = await postLegacy(server.url, session.id, 'tools/call', {
      name: 'fail',
      arguments: { how: 'bug' },
    })
    expect(bug.text).not.toContain('secret')
  })
})

describe('2026-07-28', () => {
  test('discover, list and call carry what the revision demands of a result', async () => {
    const discover = await callModern(server.url, 'server/discover')
    expect(discover.json.result).toMatchObject({
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      cacheScope: 'public',
    })
    const list = await callModern(server.url, 'tools/list')
    expect(list.json.result).toMatchObject({ resultType: 'complete', ttlMs: 300_000, cacheScope: 'public' })
    const call = await callModern(server.url, 'tools/call', { name: 'echo', arguments: { text: 'hi' } })
    expect(call.json.result).toEqual({
      resultType: 'complete',
      content: [{ type: 'text', text: 'hi' }],
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'exai-test', version: '0.0.1' } },
    })
    expect(server.surface.inspect().sessions).toBe(0)
  })

  test('a subscription acknowledges first, tells what was asked for, and nothing else', async () => {
    const changes: Message[] = []
    const prompts: Message[] = []
    const leaving = new AbortController()
    const listen = async (id: string, notifications: object, into: Message[]): Promise<void> => {
      const response = await callModern.raw(
        server.url,
        'subscriptions/listen',
        { notifications },
        { id, signal: leaving.signal },
      )
      const read = readEvents(response, (message) => into.push(message))
      await expect(read).rejects.toThrow(/abort/)
    }
    const done = [
      listen('listen:0', { toolsListChanged: true, promptsListChanged: true }, changes),
      listen('listen:1', { promptsListChanged: true }, prompts),
    ]
    await until(() => changes.length === 1 && prompts.length === 1, 'both are acknowledged')
    expect(server.surface.inspect()).toMatchObject({ subscriptions: 2, clients: [{ eras: ['modern'] }] })
    server.surface.replaceTools([echoTool])
    await until(() => changes.length === 2, 'the change is told')
    const tag = { _meta: { 'io.modelcontextprotocol/subscriptionId': 'listen:0' } }
    expect(changes).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/subscriptions/acknowledged',
        params: { ...tag, notifications: { toolsListChanged: true, promptsListChanged: true } },
      },
      { jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: tag },
    ])
    expect(prompts).toHaveLength(1)
    leaving.abort()
    await Promise.all(done)
    await until(() => server.surface.inspect().subscriptions === 0, 'both are forgotten')
  })

  test('drain ends a subscription with its result', async () => {
    const messages: Message[] = []
    const response = await callModern.raw(
      server.url,
      'subscriptions/listen',
      { notifications: {} },
      { id: 'listen:0' },
    )
    const done = readEvents(response, (message) => messages.push(message))
    await until(() => messages.length === 1, 'it is acknowledged')
    await server.surface.drain()
    await done
    expect(messages[1]).toMatchObject({
      id: 'listen:0',
      result: {
        resultType: 'complete',
        _meta: {
          'io.modelcontextprotocol/subscriptionId': 'listen:0',
          'io.modelcontextprotocol/serverInfo': { name: 'exai-test' },
        },
      },
    })
  })

  test('closing the response stream cancels the call', async () => {
    const leaving = new AbortController()
    await callModern.raw(
      server.url,
      'tools/call',
      { name: 'slow', arguments: { text: 'x', waitMs: 30_000 } },
      { signal: leaving.signal, name: 'slow' },
    )
    expect(server.calls.inFlight).toBe(1)
    leaving.abort()
    await until(() => server.calls.inFlight === 0, 'the call is aborted')
  })

  test('drain lets a running call finish and answers it', async () => {
    const running = callModern(server.url, 'tools/call', {
      name: 'slow',
      arguments: { text: 'to the end', waitMs: 100 },
    })
    await until(() => server.calls.inFlight === 1, 'the call runs')
    const drained = server.surface.drain()
    const closed = server.listener.drain()
    expect((await running).text).toContain('to the end')
    await drained
    await closed
  })
})

describe('the official clients', () => {
  test('five of each SDK at once, same ids, and no answer crosses over', async () => {
    const connectLegacy = async (): Promise<LegacyClient> => {
      const client = new LegacyClient({ name: 'v1', version: '1' })
      await client.connect(new LegacyTransport(new URL(server.url)) as never)
      return client
    }
    const connectModern = async (): Promise<ModernClient> => {
      const client = new ModernClient({ name: 'v2', version: '1' }, { versionNegotiation: { mode: 'auto' } })
      await client.connect(new ModernTransport(new URL(server.url)))
      return client
    }
    const five = Array.from({ length: 5 })
    const clients = await Promise.all([
      ...five.map(() => connectLegacy()),
      ...five.map(() => connectModern()),
    ])
    const jobs = clients.map(async (client, who) => {
      await client.listTools()
      const calls = Array.from({ length: 8 }, async (_, n) => {
        const mark = `client ${who} call ${n}`
        const long = n % 2 === 0
        const result = await client.callTool({
          name: long ? 'slow' : 'echo',
          arguments: long ? { text: mark, waitMs: 20 } : { text: mark },
        })
        expect(result.content).toEqual([{ type: 'text', text: mark }])
      })
      await Promise.all(calls)
    })
    await Promise.all(jobs)
    expect(server.surface.inspect().sessions).toBe(5)
    await Promise.all(clients.map((client) => client.close()))
    await until(() => server.surface.inspect().streams === 0, 'their streams are closed')
  })

  test('the SDK clients see progress and can cancel', async () => {
    const client = new ModernClient({ name: 'v2', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    await client.connect(new ModernTransport(new URL(server.url)))
    const told: string[] = []
    await client.callTool(
      { name: 'slow', arguments: { text: 'tea', waitMs: 1 } },
      { onprogress: (progress) => told.push(progress.message ?? '') },
    )
    expect(told).toContain('Working on tea')
    const leaving = new AbortController()
    const call = client.callTool(
      { name: 'slow', arguments: { text: 'x', waitMs: 30_000 } },
      { signal: leaving.signal },
    )
    await until(() => server.calls.inFlight === 1, 'the call runs')
    leaving.abort()
    await expect(call).rejects.toThrow()
    await until(() => server.calls.inFlight === 0, 'the call is aborted')
    await client.close()
  })
})
