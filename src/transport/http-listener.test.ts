import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { createProvider } from '../providers/registry.ts'
import { Edge } from './edge.ts'
import { createHttpListener, type HttpListener, type Route } from './http-listener.ts'
import { createOriginGuard } from './origin-guard.ts'

// More than any kernel takes for a reader that reads nothing.
const long = Buffer.alloc(32 * 1024 * 1024, 'x')

function stream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(long)
  response.end('data: the last\n\n')
}

let edge: Edge
let listener: HttpListener
let port: number
const held: ServerResponse[] = []

const routes = new Map<string, Route>([
  ['/now', (_request, response) => response.end('now')],
  ['/held', (_request, response) => held.push(response)],
  ['/long', (_request, response) => response.end(long)],
  ['/stream', (_request, response) => stream(response)],
  ['/files/', (request, response) => response.end(request.url)],
])

beforeEach(async () => {
  held.length = 0
  edge = new Edge({ clock: systemClock })
  listener = createHttpListener({ routes, upgrades: new Map(), guard: createOriginGuard(), edge })
  port = await listener.listen('127.0.0.1', 0)
})

afterEach(async () => {
  await listener.destroy()
  expect(listener.inspect()).toEqual({ connections: 0, inFlight: 0 })
})

function get(path: string, agent?: Agent): Promise<IncomingMessage & { text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, agent }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve(Object.assign(response, { text })))
    })
    request.on('error', reject)
    request.end()
  })
}

test('a busy port is one sentence that names the port and what to do', async () => {
  const second = createHttpListener({
    routes,
    upgrades: new Map(),
    guard: createOriginGuard(),
    edge: new Edge({ clock: systemClock }),
  })
  await expect(second.listen('127.0.0.1', port)).rejects.toThrow(
    new RegExp(`^Port ${port} on 127\\.0\\.0\\.1 is already in use: .*EXAI_PORT`),
  )
  await second.destroy()
})

test('paths are exact, queries do not matter, and a folder serves what is below it', async () => {
  expect((await get('/now?x=1')).text).toBe('now')
  expect((await get('/files/abc')).text).toBe('/files/abc')
  expect((await get('/nowhere')).statusCode).toBe(404)
  expect((await get('/now/')).statusCode).toBe(404)
})

test('a provider whose address leads back here is told so by its first request, and so is the person', async () => {
  const baseUrl = `http://127.0.0.1:${port}/now`
  const provider = createProvider({ name: 'mine', kind: 'openai-compatible', baseUrl, clock: systemClock })
  const ask = async (): Promise<void> => {
    const parts = provider.run(
      {
        kind: 'generate',
        task: 'chat',
        model: 'x',
        messages: [{ role: 'user', content: 'hi' }],
        outputTokensMax: 9,
      },
      { apiKey: 'k', signal: new AbortController().signal, requestId: 'r-1', endUser: 'u-1', lane: 'l' },
    )
    for await (const _part of parts) expect.fail('nobody can answer')
  }
  await expect(ask()).rejects.toMatchObject({
    code: 'provider-error',
    retryable: false,
    message: expect.stringContaining('the baseUrl of a provider leads back to it'),
  })
  await provider.destroy()
})

test('drain closes idle and silent connections at once and waits for the running request', async () => {
  const agent = new Agent({ keepAlive: true })
  expect((await get('/now', agent)).text).toBe('now')
  const silent = connect(port, '127.0.0.1')
  await once(silent, 'connect')
  const running = get('/held')
  await new Promise<void>((resolve) => {
    const look = (): void => void (held.length > 0 ? resolve() : setImmediate(look))
    look()
  })
  let isDrained = false
  const silentClosed = once(silent, 'close')
  const drained = listener.drain().then(() => {
    isDrained = true
  })
  await silentClosed
  expect(isDrained).toBe(false)
  held[0]?.end('finished')
  const answer = await running
  expect(answer.text).toBe('finished')
  await drained
  agent.destroy()
})

const ways = {
  drain: async () => ({ closed: listener.drain() }),
  release: async () => {
    const clock = new VirtualClock()
    const closed = listener.release(clock, async () => undefined)
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(10_000)
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    return { closed }
  },
}

/** A client that reads when it is told to. */
async function slowClient(...paths: readonly string[]): Promise<{ socket: Socket; whole: Promise<string> }> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  const parts: string[] = []
  const whole = new Promise<string>((resolve, reject) => {
    socket.on('close', () => resolve(parts.join(''))).on('error', reject)
  })
  await once(socket, 'connect')
  socket.on('data', (part: string) => parts.push(part)).pause()
  for (const path of paths) socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  return { socket, whole }
}

async function inFlight(count: number): Promise<void> {
  while (listener.inspect().inFlight < count) await new Promise((resolve) => setImmediate(resolve))
}

describe.each(['drain', 'release'] as const)('%s', (way) => {
  test.each([
    ['/long', (got: string) => got.split('\r\n\r\n', 2)[1]?.length === long.length],
    ['/stream', (got: string) => got.endsWith('data: the last\n\n\r\n0\r\n\r\n')],
  ] as const)(
    'an answer of %s that was given and is on its way to a slow reader arrives whole',
    async (path, isWhole) => {
      const { socket, whole } = await slowClient(path)
      await inFlight(1)
      const { closed } = await ways[way]()
      socket.resume()
      expect(isWhole(await whole)).toBe(true)
      await closed
    },
  )

  test('answers of one connection all arrive, and it is closed behind the last', async () => {
    const { socket, whole } = await slowClient('/held', '/held')
    await inFlight(2)
    const { closed } = await ways[way]()
    held[0]?.end('the first')
    await once(held[0] as ServerResponse, 'close')
    held[1]?.end('the second')
    socket.resume()
    const got = await whole
    expect(got).toContain('the first')
    expect(got).toContain('the second')
    await closed
  })

  test('a connection that was answered before all of its body had come is closed once it rests', async () => {
    const { socket, whole } = await slowClient()
    socket.resume()
    socket.write('POST /now HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n')
    await once(socket, 'data')
    while (listener.inspect().inFlight > 0) await new Promise((resolve) => setImmediate(resolve))
    socket.write('abc')
    while (![...edge].every(({ isResting }) => isResting))
      await new Promise((resolve) => setImmediate(resolve))
    const { closed } = await ways[way]()
    await whole
    await closed
  })
})

test('a client that goes away leaves nothing in flight', async () => {
  const request = httpRequest({ host: '127.0.0.1', port, path: '/held' })
  request.on('error', () => undefined)
  request.end()
  await new Promise<void>((resolve) => {
    const look = (): void => void (held.length > 0 ? resolve() : setImmediate(look))
    look()
  })
  expect(listener.inspect()).toEqual({ connections: 1, inFlight: 1 })
  const closed = once(held[0] as ServerResponse, 'close')
  request.destroy()
  await closed
  expect(listener.inspect().inFlight).toBe(0)
})

test('an offer to upgrade to something else is a plain request', async () => {
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    path: '/now',
    headers: { connection: 'Upgrade', upgrade: 'h2c' },
  })
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.resume()
  expect(response.statusCode).toBe(200)
})
