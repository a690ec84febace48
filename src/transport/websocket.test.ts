import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { createFlow } from '../streams/flow.ts'
import { createWebSocketDoor, type WebSocketDoor } from './websocket.ts'
import type { WebSocketConnection } from './websocket-face.ts'

let clock: VirtualClock
let door: WebSocketDoor
let server: Server
let connections: WebSocketConnection[]
let url: string

async function start(options: { connectionsMax?: number; frameBytesMax?: number } = {}): Promise<void> {
  clock = new VirtualClock()
  connections = []
  door = createWebSocketDoor({
    clock,
    flow: createFlow({ clock }),
    onConnection: (connection) => connections.push(connection),
    ...options,
  })
  server = createServer()
  server.on('upgrade', door.upgrade)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeEach(() => start())

afterEach(async () => {
  const drained = door.drain()
  door.destroy()
  await drained
  expect(door.inspect()).toEqual({ connections: 0 })
  expect(clock.pendingTimers).toBe(0)
  await new Promise((resolve) => server.close(resolve))
})

async function connect(): Promise<WebSocket> {
  const socket = new WebSocket(url, 'mcp')
  await once(socket, 'open')
  return socket
}

test('a peer that answers no ping is cut at the second beat', async () => {
  const socket = await connect()
  const closed = once(socket, 'close')
  socket.pong = () => undefined
  const pinged = once(socket, 'ping')
  await clock.advance(30_000)
  await pinged
  await clock.advance(30_000)
  await closed
})

test('a peer that answers pings stays', async () => {
  const socket = await connect()
  for (let n = 0; n < 3; n++) {
    const pinged = once(socket, 'ping')
    await clock.advance(30_000)
    await pinged
    // The pong is on its way; an echo behind it proves that it has arrived.
    const heard = new Promise<void>((resolve) => {
      const connection = connections[0]
      if (connection) connection.onMessage = () => resolve()
    })
    socket.send('x')
    await heard
  }
  expect(door.inspect()).toEqual({ connections: 1 })
})

test('a message that comes bit by bit is not waited for, though its peer answers pings', async () => {
  const socket = await connect()
  const closed = once(socket, 'close')
  let beats = 0
  while (socket.readyState === socket.OPEN && beats < 10) {
    socket.send('x'.repeat(2_000), { fin: false })
    await heardBy(socket)
    const pinged = once(socket, 'ping')
    await clock.advance(30_000)
    beats++
    await Promise.race([pinged, closed])
    if (socket.readyState === socket.OPEN) await heardBy(socket)
  }
  expect((await closed)[0]).toBe(1008)
  expect(beats).toBe(3)
})

test('a peer that only answers pings, for a day, and one that sends long messages stay', async () => {
  const [idle, busy] = [await connect(), await connect()]
  const texts: number[] = []
  for (const connection of connections) connection.onMessage = (text) => texts.push(text.length)
  for (let n = 0; n < 400; n++) {
    const pinged = Promise.all([once(idle, 'ping'), once(busy, 'ping')])
    await clock.advance(30_000)
    await pinged
    if (n % 20 === 0) busy.send('x'.repeat(100_000))
    await Promise.all([heardBy(idle), heardBy(busy)])
  }
  expect(texts).toEqual(Array.from({ length: 20 }, () => 100_000))
  expect(door.inspect()).toEqual({ connections: 2 })
})

// What was written before a ping is heard when its pong is here.
async function heardBy(socket: WebSocket): Promise<void> {
  const ponged = once(socket, 'pong')
  socket.ping()
  await ponged
}

test('one more than the cap is closed with 1013 and never handed over', async () => {
  await new Promise((resolve) => server.close(resolve))
  await start({ connectionsMax: 1 })
  await connect()
  const [code] = await once(await connect(), 'close')
  expect(code).toBe(1013)
  expect(connections).toHaveLength(1)
})

const oneByte = [0x81, 0, 0, 0, 0, 0x78]
test.each([
  ['a message too large', 1009, /2147483647 bytes.*path.*upload/, [0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0]],
  ['a text that is no UTF-8', 1007, /in UTF-8/, [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]],
  ['what is no frame', 1002, /RFC 6455/, [0xf1, 0x80, 0, 0, 0, 0]],
  ['a message in too many parts', 1008, /too many parts/, [0x01, ...oneByte, ...fragments(20_000)]],
])('%s closes with %i and a sentence that fits', async (_what, code, says, bytes) => {
  await new Promise((resolve) => server.close(resolve))
  await start({ frameBytesMax: 2 ** 31 - 1 })
  const frame = await closeFrameAfter(Buffer.from(bytes))
  expect(frame.readUInt16BE(2)).toBe(code)
  expect(frame.toString('utf8', 4)).toMatch(says)
  // A byte of length with its first bit clear: what is longer is no close frame.
  expect(frame[1]).toBe(frame.length - 2)
  expect(frame.length).toBeLessThanOrEqual(2 + 125)
})

function fragments(count: number): number[] {
  return Array.from({ length: count }, () => [0x00, ...oneByte]).flat()
}

/** What the door sends last to a client that writes these bytes. */
async function closeFrameAfter(bytes: Buffer): Promise<Buffer> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    'sec-websocket-protocol': 'mcp',
  }
  const asked = request(url.replace('ws:', 'http:'), { headers }).end()
  const stream = await new Promise<Duplex>((resolve) =>
    asked.once('upgrade', (_reply, socket) => resolve(socket)),
  )
  stream.write(bytes)
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
