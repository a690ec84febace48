// `exai bridge` as a process, between a client that speaks on its stdin and a WebSocket server of the test's own, which can
// be stopped and started: what passes, what a break looks like to the client, and how it ends.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { instanceMethod } from '../../src/domain/resend.ts'
import { type Launched, launch, launcher, nodes } from '../support/launched.ts'

type Message = Record<string, unknown>

/** A server that answers `initialize` and `echo`, and never answers `wait`. */
class TestServer {
  readonly received: Message[] = []
  readonly headers: IncomingHttpHeaders[] = []
  readonly sockets: Set<WebSocket> = new Set()
  closes = 0
  #http: Server | null = null
  port = 0

  async start(): Promise<void> {
    const http = createServer()
    const door = new WebSocketServer({ server: http, path: '/ws', handleProtocols: () => 'mcp' })
    door.on('connection', (socket, request) => {
      this.headers.push(request.headers)
      this.sockets.add(socket)
      socket.on('close', () => {
        this.closes++
        this.sockets.delete(socket)
      })
      socket.on('message', (data) => this.#answer(socket, JSON.parse(data.toString()) as Message))
    })
    http.listen(this.port, '127.0.0.1')
    await once(http, 'listening')
    this.port = (http.address() as AddressInfo).port
    this.#http = http
  }

  async stop(code = 1012): Promise<void> {
    for (const socket of this.sockets) socket.close(code)
    const http = this.#http
    this.#http = null
    if (http === null) return
    http.close()
    http.closeAllConnections()
    await once(http, 'close')
  }

  #answer(socket: WebSocket, message: Message): void {
    this.received.push(message)
    const reply = (result: unknown): void =>
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
    if (message.method === instanceMethod) {
      this.received.pop()
      socket.send(
        JSON.stringify({ jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'unknown' } }),
      )
    } else if (message.method === 'initialize') reply({ protocolVersion: '2025-11-25', capabilities: {} })
    else if (message.method === 'echo') reply({ echoed: message.params })
  }
}

let server: TestServer
let running: Launched[] = []
beforeEach(async () => {
  server = new TestServer()
  await server.start()
})
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await Promise.all(running.map(({ ended }) => ended))
  running = []
  await server.stop()
})

describe.each(nodes())('under $name', ({ path: node }) => {
  function bridge(...args: string[]): Launched {
    const started = launch(node, [launcher, 'bridge', ...args], { env: { PATH: process.env.PATH } })
    running.push(started)
    return started
  }
  const connected = (): Launched => bridge('--url', `http://127.0.0.1:${server.port}`)
  const say = (to: Launched, ...messages: Message[]): void => {
    for (const message of messages)
      to.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }
  const lines = (of: Launched): Message[] =>
    of
      .stdout()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Message)

  async function handshake(client: Launched): Promise<void> {
    say(client, { id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25' } })
    await client.until(/"id":0/)
    say(client, { method: 'notifications/initialized' })
  }

  test('the client gets its answers, the server the window’s headers, and stdout holds nothing else', async () => {
    const client = connected()
    await handshake(client)
    say(client, { id: 1, method: 'echo', params: { text: 'ü\n€' } })
    await client.until(/"id":1/)
    expect(lines(client)).toEqual([
      { jsonrpc: '2.0', id: 0, result: { protocolVersion: '2025-11-25', capabilities: {} } },
      { jsonrpc: '2.0', id: 1, result: { echoed: { text: 'ü\n€' } } },
    ])
    expect(server.headers[0]?.['x-exai-client']).toMatch(/^[A-Za-z0-9_-]{22}$/)
    expect(server.headers[0]?.['sec-websocket-protocol']).toBe('mcp')
    expect(decodeURIComponent(String(server.headers[0]?.['x-exai-root']))).toBe(process.cwd())
    expect(client.stderr()).toBe('')
  })

  test('cancel and progress pass, each to its side', async () => {
    const client = connected()
    await handshake(client)
    say(client, { id: 1, method: 'wait' }, { id: 2, method: 'echo' })
    await client.until(/"id":2/)
    for (const socket of server.sockets)
      socket.send(
        '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":5}}',
      )
    await client.until(/notifications\/progress/)
    say(client, { method: 'notifications/cancelled', params: { requestId: 1 } }, { id: 3, method: 'echo' })
    await client.until(/"id":3/)
    expect(server.received.map(({ method }) => method)).toContain('notifications/cancelled')
  })

  test('a restart of the server costs what was running one clear error, and nothing else', async () => {
    const client = connected()
    await handshake(client)
    say(client, { id: 1, method: 'wait' }, { id: 2, method: 'echo' })
    await client.until(/"id":2/)
    await server.stop()
    await client.until(/"id":1/)
    expect(lines(client).at(-1)).toMatchObject({ id: 1, error: { code: -32_000 } })
    say(client, { id: 3, method: 'echo' })
    server.received.length = 0
    await server.start()
    await client.until(/"id":3/)
    expect(lines(client).map(({ id }) => id)).toEqual([0, 2, 1, 3])
    expect(server.received.map(({ method }) => method)).toEqual([
      'initialize',
      'notifications/initialized',
      'echo',
    ])
    expect(new Set(server.headers.map((headers) => headers['x-exai-client'])).size).toBe(1)
  })

  test('started before the server, it waits for it', async () => {
    await server.stop()
    const client = connected()
    say(client, { id: 0, method: 'initialize', params: {} })
    await client.until(/connection refused; trying again/)
    await server.start()
    await client.until(/"id":0/)
    expect(lines(client)).toHaveLength(1)
  })

  test('of what comes while there is no server 64 wait, and the next is told so at once', async () => {
    await server.stop()
    const client = connected()
    for (let id = 0; id < 65; id++) say(client, { id, method: 'echo' })
    await client.until(/"id":64,/)
    expect(lines(client)).toMatchObject([{ id: 64, error: { code: -32_000 } }])
    expect(client.stdout()).toContain('too many messages wait for it already')
    await server.start()
    await client.until(/"id":63,/)
    expect(lines(client).map(({ id }) => id)).toEqual([64, ...Array.from({ length: 64 }, (_, id) => id)])
  })

  test('it ends with its client: stdin’s end gives 0, a signal 128 and its number; the server sees it go', async () => {
    for (const [end, code] of [
      [(client: Launched) => void client.child.stdin.end(), 0],
      [(client: Launched) => void client.child.kill('SIGTERM'), 143],
      [(client: Launched) => void client.child.kill('SIGINT'), 130],
    ] as const) {
      const client = connected()
      await handshake(client)
      const before = server.closes
      const closed = Promise.all([...server.sockets].map((socket) => once(socket, 'close')))
      end(client)
      expect(await client.ended).toBe(code)
      await closed
      expect(server.closes).toBe(before + 1)
    }
  })

  test('without a server it ends as well', async () => {
    await server.stop()
    const client = connected()
    await client.until(/trying again/)
    client.child.stdin.end()
    expect(await client.ended).toBe(0)
  })

  test('wrong arguments end with 2 and say what was expected', async () => {
    const client = bridge('--url', 'nowhere')
    expect(await client.ended).toBe(2)
    expect(client.stderr()).toContain('--url must be an address such as http://127.0.0.1:3005')
    expect(client.stdout()).toBe('')
  })

  test('a line that is too long is answered to its id, and the next one is read', async () => {
    const client = connected()
    await handshake(client)
    const params = { text: 'x'.repeat(9 * 1024 * 1024) }
    client.child.stdin.write(`${JSON.stringify({ method: 'echo', params, jsonrpc: '2.0', id: 1 })}\n`)
    say(client, { id: 2, method: 'echo' })
    await client.until(/"id":2/)
    const found = lines(client).slice(1)
    expect(found).toMatchObject([{ id: 1, error: { code: -32_600 } }, { id: 2 }])
    expect(JSON.stringify(found[0])).toMatch(/the bridge takes at most 8388608 bytes/)
  })

  test('a client that does not wait for it is answered from the start; how soon is printed', async () => {
    const bridgeMs: number[] = []
    const nodeMs: number[] = []
    for (let start = 0; start < 5; start++) {
      const bareAt = performance.now()
      expect(await launch(node, ['-e', '0']).ended).toBe(0)
      const startedAt = performance.now()
      const client = connected()
      await handshake(client)
      bridgeMs.push(performance.now() - startedAt)
      nodeMs.push(startedAt - bareAt)
      client.child.stdin.end()
      expect(await client.ended).toBe(0)
    }
    const median = (times: number[]): string => (times.sort((one, other) => one - other)[2] ?? 0).toFixed(0)
    process.stdout.write(
      `bridge under ${node}: ${median(bridgeMs)} ms from its start to its first answer; Node alone lives ${median(nodeMs)} ms\n`,
    )
  })

  test('a window’s bridge takes little memory of its own', async () => {
    // A second one, as a second window has: the program's own pages are then shared, and not counted for either.
    await handshake(connected())
    const client = connected()
    await handshake(client)
    for (let id = 1; id <= 200; id++) say(client, { id, method: 'echo', params: { text: 'x'.repeat(1000) } })
    await client.until(/"id":200,/)
    const rollup = readFileSync(`/proc/${client.child.pid}/smaps_rollup`, 'utf8')
    const kibibytes = [...rollup.matchAll(/^Private_(?:Dirty|Clean):\s+(\d+) kB$/gm)].map(([, each]) =>
      Number(each),
    )
    const mebibytes = kibibytes.reduce((sum, each) => sum + each, 0) / 1024
    process.stdout.write(`bridge under ${node}: ${mebibytes.toFixed(1)} MiB private\n`)
    expect(mebibytes).toBeLessThan(30)
  })
})
