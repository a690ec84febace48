// Bad input at both doors: each kind gets the status and code of the specification and a message that helps, and a client
// beside it notices nothing.

import { request as httpRequest } from 'node:http'
import { connect as netConnect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import {
  echoTool,
  failingTool,
  type McpComposition,
  slowTool,
  startMcpComposition,
  until,
} from '../support/mcp-composition.ts'
import {
  type Answer,
  callModern,
  initialize,
  modernMeta,
  post,
  postLegacy,
  read,
} from '../support/mcp-wire.ts'

let server: McpComposition
let session: string
let bystander: string
let bystanderCall: Promise<Answer>

beforeEach(async () => {
  server = await startMcpComposition({ tools: [echoTool, slowTool, failingTool] })
  session = (await initialize(server.url)).id
  bystander = (await initialize(server.url)).id
  bystanderCall = postLegacy(server.url, bystander, 'tools/call', {
    name: 'slow',
    arguments: { text: 'undisturbed', waitMs: 60 },
  })
})

afterEach(async () => {
  expect((await bystanderCall).json.result).toEqual({ content: [{ type: 'text', text: 'undisturbed' }] })
  expect((await postLegacy(server.url, bystander, 'ping')).json.result).toEqual({})
  await until(() => server.calls.inFlight === 0, 'no call is left')
  expect(server.events.filter((event) => event.type === 'surface-failed')).toEqual([])
  await server.close()
  expect(server.listener.inspect()).toEqual({ connections: 0, inFlight: 0 })
})

const inSession = (): Record<string, string> => ({ 'mcp-session-id': session })
const deep = (levels: number): string => `${'['.repeat(levels)}1${']'.repeat(levels)}`

const broken: readonly (readonly [string, string, number, RegExp])[] = [
  ['malformed JSON', '{"jsonrpc":"2.0",', -32700, /not JSON/],
  ['an empty body', '', -32700, /not JSON/],
  ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, /one message at a time/],
  ['no object', '42', -32600, /JSON object/],
  ['another JSON-RPC', '{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600, /"jsonrpc" must be "2.0"/],
  ['a null id', '{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, /"id" must be/],
  ['an id with a fraction', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600, /"id" must be/],
  ['an object as id', '{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, /"id" must be/],
  ['an endless id', `{"jsonrpc":"2.0","id":"${'x'.repeat(300)}","method":"ping"}`, -32600, /256/],
  ['a method that is no string', '{"jsonrpc":"2.0","id":1,"method":7}', -32600, /"method"/],
  ['neither method nor result', '{"jsonrpc":"2.0","id":1}', -32600, /"method", or an "id"/],
  ['params in a list', '{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}', -32602, /must be an object/],
  ['deep nesting', `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${deep(80)}}}`, -32600, /64/],
  [
    'very deep nesting',
    `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${deep(200_000)}}}`,
    -32600,
    /64/,
  ],
]

describe('over HTTP', () => {
  test.each(broken)('%s is 400 with its code', async (_name, body, code, message) => {
    const answer = await read(await post(server.url, body, inSession()))
    expect(answer.status).toBe(400)
    expect(answer.json.error?.code).toBe(code)
    expect(answer.json.error?.message).toMatch(message)
  })

  test('an unknown method is -32601 and names what there is', async () => {
    const answer = await postLegacy(server.url, session, 'tools/lst')
    expect(answer.status).toBe(200)
    expect(answer.json.error).toMatchObject({
      code: -32601,
      message: expect.stringMatching(/: tools\/lst\. This server offers tools, resources, prompts/),
    })
  })

  test('a body over the limit is 413, declared or not, and the answer arrives', async () => {
    const large = 'x'.repeat(4 * 1024 * 1024 + 1)
    const declared = await read(await post(server.url, large, inSession()))
    expect(declared.status).toBe(413)
    expect(declared.text).toMatch(/4194304 bytes\. Send less, or upload/)
    const chunked = await new Promise<number>((resolve, reject) => {
      const request = httpRequest(
        server.url,
        { method: 'POST', headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' } },
        (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        },
      )
      request.on('error', reject)
      for (let i = 0; i < 5; i++) request.write('y'.repeat(1024 * 1024))
      request.end()
    })
    expect(chunked).toBe(413)
  })

  test('bytes that are no UTF-8 are 400', async () => {
    const response = await fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...inSession() },
      body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
    })
    expect(response.status).toBe(400)
    expect(await response.text()).toMatch(/not valid UTF-8/)
  })

  test('a client that leaves in the middle of its body leaves nothing behind', async () => {
    await bystanderCall
    await until(() => server.listener.inspect().inFlight === 0, 'nothing is in flight yet')
    const socket = netConnect(server.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(
      `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"jsonrpc"`,
    )
    await until(() => server.listener.inspect().inFlight === 1, 'the body is awaited')
    socket.destroy()
    await until(() => server.listener.inspect().inFlight === 0, 'nothing is in flight')
  })

  test('a wrong content type is 415, a wrong method 405 with what is allowed, a wrong path 404', async () => {
    expect((await post(server.url, '{}', { 'content-type': 'text/plain' })).status).toBe(415)
    const put = await fetch(server.url, { method: 'PUT', body: '{}' })
    expect(put.status).toBe(405)
    expect(put.headers.get('allow')).toBe('POST, GET, DELETE')
    const lost = await fetch(`http://127.0.0.1:${server.port}/mcpp`)
    expect(lost.status).toBe(404)
    expect(await lost.text()).toContain('/mcp')
  })

  test('a foreign Host or Origin is 403 and says what to set', async () => {
    const rebound = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const request = httpRequest(
        server.url,
        { method: 'POST', headers: { host: 'evil.example:80', 'content-type': 'application/json' } },
        (response) => {
          response.on('data', (data: Buffer) =>
            resolve({ status: response.statusCode ?? 0, text: data.toString() }),
          )
        },
      )
      request.on('error', reject)
      request.end('{}')
    })
    expect(rebound.status).toBe(403)
    expect(rebound.text).toMatch(/Host header "evil\.example:80".*allowedHosts/)
    const foreign = await post(server.url, '{}', { origin: 'https://evil.example' })
    expect(foreign.status).toBe(403)
    expect(await foreign.text()).toMatch(/Origin "https:\/\/evil\.example".*allowedHosts/)
    const own = await post(server.url, '{}', { origin: `http://localhost:${server.port}` })
    expect(own.status).toBe(400)
  })

  test('a head too large is 431, and no HTTP at all is 400', async () => {
    const raw = (text: string): Promise<string> =>
      new Promise((resolve) => {
        let got = ''
        const socket = netConnect(server.port, '127.0.0.1', () => socket.write(text))
        socket.on('data', (data) => {
          got += data.toString()
        })
        socket.on('error', () => undefined)
        socket.on('close', () => resolve(got))
      })
    expect(await raw(`GET /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431/,
    )
    expect(await raw('NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/)
  })

  test('a missing session is 400, an unknown one 404, an unsupported version 400', async () => {
    const missing = await read(await post(server.url, { jsonrpc: '2.0', id: 1, method: 'ping' }))
    expect(missing.status).toBe(400)
    expect(missing.json.error?.message).toMatch(/Mcp-Session-Id/)
    expect((await postLegacy(server.url, 'A'.repeat(43), 'ping')).status).toBe(404)
    const version = await postLegacy(
      server.url,
      session,
      'ping',
      {},
      { 'mcp-protocol-version': '1999-01-01' },
    )
    expect(version.status).toBe(400)
    expect(version.json.error?.message).toMatch(/2025-11-25/)
    const stream = await fetch(server.url, { headers: { accept: 'text/event-stream' } })
    expect(stream.status).toBe(400)
    const stateless = await fetch(server.url, { headers: { 'mcp-protocol-version': '2026-07-28' } })
    expect(stateless.status).toBe(405)
  })

  test('a malformed client id is 400 in both eras: two windows are never merged in silence', async () => {
    const headers = { 'x-exai-client': 'no good' }
    const modern = await callModern(
      server.url,
      'tools/call',
      { name: 'echo', arguments: { text: 'x' } },
      { id: 5, headers },
    )
    expect(modern.status).toBe(400)
    expect(modern.json).toMatchObject({ id: 5, error: { message: expect.stringMatching(/x-exai-client/) } })
    const legacy = await post(
      server.url,
      { jsonrpc: '2.0', id: 6, method: 'initialize', params: { protocolVersion: '2025-11-25' } },
      headers,
    )
    expect(legacy.status).toBe(400)
  })

  test('an id in use is refused; the first call goes on', async () => {
    const call = (text: string, waitMs: number): Promise<Answer> =>
      postLegacy(server.url, session, 'tools/call', { name: 'slow', arguments: { text, waitMs } })
    const first = call('first', 80)
    await until(() => server.calls.inFlight === 2, 'it runs beside the bystander')
    const second = await call('second', 1)
    expect(second.status).toBe(400)
    expect(second.json.error?.code).toBe(-32600)
    expect((await first).text).toContain('first')
  })

  test('wrong arguments come back as a result that names field, expectation and what was sent', async () => {
    const wrong = async (args: unknown): Promise<string> => {
      const answer = await postLegacy(server.url, session, 'tools/call', { name: 'echo', arguments: args })
      expect(answer.status).toBe(200)
      expect(answer.json.result).toMatchObject({ isError: true })
      return (answer.json.result as { content: { text: string }[] }).content[0]?.text ?? ''
    }
    expect(await wrong({ text: 7 })).toMatch(/"text": expected string; sent was 7/)
    expect(await wrong({})).toMatch(/"text" is missing: expected string/)
    expect(await wrong({ text: 'x', cuont: 2 })).toMatch(/no field "cuont"\. Did you mean "count"\?/)
    expect((await wrong({ text: 'x', count: 'y'.repeat(100_000) })).length).toBeLessThan(400)
    const unknown = await postLegacy(server.url, session, 'tools/call', { name: 'eho' })
    expect(unknown.json.error).toEqual({ code: -32602, message: 'Unknown tool: eho. Did you mean "echo"?' })
    const list = await postLegacy(server.url, session, 'tools/call', { name: 'echo', arguments: [] })
    expect(list.json.error?.code).toBe(-32602)
  })

  test('2026-07-28: headers that contradict the body are -32020, wrong metadata -32602, a wrong version -32022', async () => {
    const code = async (
      method: string,
      params: Record<string, unknown>,
      headers: Record<string, string>,
    ): Promise<[number, number | undefined]> => {
      const answer = await callModern(server.url, method, params, { headers })
      return [answer.status, answer.json.error?.code]
    }
    const echo = { name: 'echo', arguments: { text: 'x' } }
    expect(await code('tools/list', {}, { 'mcp-method': 'tools/call' })).toEqual([400, -32020])
    expect(await code('tools/call', echo, { 'mcp-name': 'slow' })).toEqual([400, -32020])
    expect(await code('tools/call', echo, { 'mcp-name': '=?base64?ZWNobw==?=' })).toEqual([200, undefined])
    expect(await code('tools/call', echo, { 'mcp-name': '=?base64?ZWNobw?=' })).toEqual([400, -32020])
    expect(await code('tools/list', {}, { 'mcp-protocol-version': '2025-11-25' })).toEqual([400, -32020])
    expect(await code('tools/list', { _meta: {} }, {})).toEqual([400, -32602])
    expect(await code('tools/lst', {}, {})).toEqual([404, -32601])
    const _meta = { ...modernMeta, 'io.modelcontextprotocol/protocolVersion': '2031-01-01' }
    const version = await callModern(
      server.url,
      'tools/list',
      { _meta },
      { headers: { 'mcp-protocol-version': '2031-01-01' } },
    )
    expect(version.status).toBe(400)
    expect(version.json.error).toMatchObject({
      code: -32022,
      data: { supported: ['2026-07-28'], requested: '2031-01-01' },
    })
  })

  test('more connections than the cap are told so, and the old ones go on', async () => {
    const small = await startMcpComposition({ tools: [echoTool], edge: { connectionsMax: 1 } })
    const held = netConnect(small.port, '127.0.0.1')
    await until(() => small.listener.inspect().connections === 1, 'one connection is open')
    const refused = await fetch(small.url)
    expect(refused.status).toBe(503)
    held.destroy()
    await until(() => small.listener.inspect().connections === 0, 'it is closed')
    expect((await initialize(small.url)).version).toBe('2025-11-25')
    await small.close()
  })
})

describe('over WebSocket', () => {
  test('every broken message is answered with its code and the connection lives on', async () => {
    const socket = new WebSocket(server.webSocketUrl, 'mcp')
    const got: { id?: unknown; error?: { code: number } }[] = []
    socket.on('message', (data) => got.push(JSON.parse(String(data))))
    await new Promise((resolve) => socket.once('open', resolve))
    for (const [, body] of broken) socket.send(body)
    await until(() => got.length === broken.length, 'every one is answered')
    expect(got.map((message) => message.error?.code)).toEqual(broken.map(([, , code]) => code))
    socket.close()
    await until(() => server.surface.inspect().connections === 0, 'it is closed')
  })
})
