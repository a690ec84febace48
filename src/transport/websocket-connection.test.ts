import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { createFlow, type Flow } from '../streams/flow.ts'
import { createWebSocketDoor, type WebSocketDoor } from './websocket.ts'
import type { WebSocketConnection } from './websocket-face.ts'

const asked = 2_000
const body = 'b'.repeat(15_000)

let clock: VirtualClock
let flow: Flow
let door: WebSocketDoor
let server: Server
let connection: WebSocketConnection
let peer: WebSocket
let sockets: Duplex[]

beforeEach(async () => {
  clock = new VirtualClock()
  flow = createFlow({ clock, slowReaderMs: 120_000 })
  const connected = Promise.withResolvers<void>()
  door = createWebSocketDoor({
    clock,
    flow,
    onConnection(opened) {
      connection = opened
      connected.resolve()
    },
  })
  server = createServer()
  sockets = []
  server.on('upgrade', (request, socket, head) => {
    sockets.push(socket)
    door.upgrade(request, socket, head)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  peer = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, 'mcp')
  await Promise.all([once(peer, 'open'), connected.promise])
})

afterEach(async () => {
  const drained = door.drain()
  door.destroy()
  await drained
  expect(flow.inspect()).toMatchObject({ behind: 0, spooledBytes: 0 })
  expect(clock.pendingTimers).toBe(0)
  await new Promise((resolve) => server.close(resolve))
})

const stream = (): Duplex => sockets[0] as Duplex

/** Answers every message with a long one; resolves once the connection is asked nothing new. */
function answerUntilHeld(): Promise<number> {
  let heard = 0
  return new Promise((resolve) => {
    connection.onMessage = (text) => {
      heard += 1
      connection.sendResult({}, `${text} ${body}`, () => undefined)
      // The window is 256 KiB; whatever was read with this message may still follow.
      if (flow.inspect().spooledBytes > 262_144) resolve(heard)
    }
  })
}

test('a peer that only asks is not heard beyond its window, and then every answer comes, in order', async () => {
  const held = answerUntilHeld()
  peer.pause()
  for (let n = 1; n <= asked; n++) peer.send(String(n))
  expect(await held).toBeLessThan(asked)
  const { spooledBytes } = flow.inspect()
  await new Promise((resolve) => setImmediate(resolve))
  // What waits never grows: the socket may have taken some of it with the end of the turn.
  expect(flow.inspect().spooledBytes).toBeLessThanOrEqual(spooledBytes)
  const got: number[] = []
  const all = new Promise<void>((resolve) => {
    peer.on('message', (data: Buffer) => {
      got.push(Number.parseInt(data.toString('utf8'), 10))
      if (got.length === asked) resolve()
    })
  })
  peer.resume()
  await all
  expect(got).toEqual(Array.from({ length: asked }, (_, index) => index + 1))
})

test('what is said within a turn leaves together at its end, in order, and a close behind it', async () => {
  const got: string[] = []
  peer.on('message', (data: Buffer) => got.push(data.toString('utf8')))
  const closed = once(peer, 'close')
  connection.send('a question')
  connection.sendResult({}, 'an answer', () => undefined)
  connection.sendLatest({}, 'how far it is')
  expect(stream().writableCorked).toBe(1)
  connection.finish(1012, 'The server is restarting.')
  expect((await closed)[0]).toBe(1012)
  expect(got).toEqual(['a question', 'an answer', 'how far it is'])
})

/** More than there is room for, at once. */
function giveUp(): void {
  connection.send('c'.repeat(17_000_000))
  connection.send('c')
}

test('a result that waits for the end of its turn is told as lost where its peer is given up before, behind older ones', async () => {
  const lost: string[] = []
  const closed = new Promise<void>((resolve) => {
    connection.onClose = resolve
  })
  peer.pause()
  // Until the kernel takes no more, and the socket still would.
  while (stream().writableLength === 0) {
    connection.sendResult({}, 'r'.repeat(50_000), () => lost.push('older'))
    await new Promise((resolve) => setImmediate(resolve))
  }
  connection.sendResult({}, 'an answer', () => lost.push('an answer'))
  expect(stream().writableCorked).toBe(1)
  giveUp()
  const told = ['older', 'an answer']
  expect(lost).toEqual(told)
  await closed
  await new Promise((resolve) => setImmediate(resolve))
  expect(lost).toEqual(told)
})

test('a result that waits for the end of its turn leaves before a long one is put behind it', async () => {
  const got: number[] = []
  peer.on('message', (data: Buffer) => got.push(data.length))
  connection.sendResult({}, 'an answer', () => undefined)
  expect(stream().writableCorked).toBe(1)
  connection.sendResult({}, 'r'.repeat(1_000_000), () => undefined)
  expect(stream().writableCorked).toBe(0)
  while (got.length < 2) await once(peer, 'message')
  expect(got).toEqual([9, 1_000_000])
})

test('before anything is done to the last piece of a long message, what is ready has left', async () => {
  const waiting: boolean[] = []
  let isWaiting = false
  stream().prependListener('data', () => {
    isWaiting = true
    flow.batch.add(() => {
      isWaiting = false
    })
  })
  // Behind the reader of frames: what it does to the last piece is done by then.
  stream().on('data', () => waiting.push(isWaiting))
  const heard = new Promise<void>((resolve) => {
    connection.onMessage = () => resolve()
  })
  peer.send('r'.repeat(1_000_000))
  await heard
  expect(waiting.length).toBeGreaterThan(2)
  expect(new Set(waiting.slice(1))).toEqual(new Set([false]))
})

describe('a peer that goes', () => {
  const lost: number[] = []
  const gone = async (sent: number, length: number, go: () => void): Promise<readonly number[]> => {
    lost.length = 0
    const closed = new Promise<void>((resolve) => {
      connection.onClose = resolve
    })
    for (let n = 1; n <= sent; n++) connection.sendResult({}, 'r'.repeat(length), () => lost.push(n))
    go()
    await closed
    return lost
  }

  test('before the end of the turn in which its results were said has them told as lost', async () => {
    expect(await gone(2, 10, () => stream().destroy())).toEqual([1, 2])
  })

  test('without a word has told what it had not taken, and what still waited', async () => {
    peer.pause()
    expect((await gone(5, 4_000_000, () => peer.terminate())).at(-1)).toBe(5)
  })

  test('with a frame of close has read what was written', async () => {
    expect(await gone(2, 10, () => peer.close(1000))).toEqual([])
  })
})

test('a result that is the sixteenth of a turn keeps nobody who wants to know, once its peer has read it', async () => {
  const lost: string[] = []
  const heard = once(peer, 'message')
  for (let n = 1; n < 16; n++) flow.batch.add(() => undefined)
  connection.sendResult({}, 'an answer', () => lost.push('an answer'))
  await heard
  connection.onClose = () => lost.push('closed')
  const closed = once(stream(), 'close')
  peer.terminate()
  await closed
  await new Promise((resolve) => setImmediate(resolve))
  expect(lost).toEqual(['closed'])
})

test('a peer that reads is not behind for much that is said in one turn', async () => {
  for (let n = 0; n < 5; n++) connection.sendResult({}, body, () => undefined)
  expect(connection.sendDroppable('a change')).toBe(true)
})

test('a result for a connection that is closing is told as lost', () => {
  let lost = 0
  connection.close(1000, '')
  connection.sendResult({}, 'an answer', () => {
    lost += 1
  })
  expect(lost).toBe(1)
})

test('a connection that is finished says everything first', async () => {
  const held = answerUntilHeld()
  peer.pause()
  for (let n = 1; n <= asked; n++) peer.send(String(n))
  const heard = await held
  connection.finish(1012, 'The server is restarting.')
  let got = 0
  peer.on('message', () => {
    got += 1
  })
  peer.resume()
  const [code] = await once(peer, 'close')
  expect(code).toBe(1012)
  expect(got).toBeGreaterThanOrEqual(heard)
})

test('a peer that takes nothing for long is lost, and what it did not take is told in order', async () => {
  const lost: number[] = []
  const closed = new Promise<void>((resolve) => {
    connection.onClose = resolve
  })
  peer.pause()
  for (let n = 1; n <= 3; n++) connection.sendResult({}, 'r'.repeat(4_000_000), () => lost.push(n))
  await new Promise((resolve) => setImmediate(resolve))
  await clock.advance(200_000)
  await closed
  expect(connection.isLost).toBe(true)
  expect(lost.at(-1)).toBe(3)
  expect(lost).toEqual(lost.toSorted())
  connection.sendResult({}, 'late', () => lost.push(4))
  expect(lost.at(-1)).toBe(4)
})

test('a peer with more to read than there is room for keeps its connection, and is sent no result and no progress', async () => {
  const lost: number[] = []
  peer.pause()
  const send = (n: number): boolean => connection.sendResult({}, 'r'.repeat(4_000_000), () => lost.push(n))
  let sent = 0
  while (send(sent)) sent += 1
  // What the kernel has taken waits no more.
  expect(sent).toBeGreaterThanOrEqual(5)
  const { spooledBytes } = flow.inspect()
  expect(spooledBytes).toBeLessThan(16_777_216 + 4_000_000 + 1)
  connection.sendLatest({}, 'p'.repeat(1_000_000))
  for (let n = 0; n < 100; n++) connection.send('something that cannot be put elsewhere')
  expect(flow.inspect()).toMatchObject({ lost: 0, spooledBytes: spooledBytes + 100 * 38 })
  const got: string[] = []
  const all = new Promise<void>((resolve) => {
    peer.on('message', (data: Buffer) => {
      got.push(data.toString('utf8', 0, 5))
      if (got.length === sent + 100) resolve()
    })
  })
  peer.resume()
  await all
  expect(got.filter((text) => text === 'rrrrr')).toHaveLength(sent)
  expect(lost).toEqual([])
})

test('a peer for which more waits than that, and a mebibyte of what is no result, is lost', () => {
  peer.pause()
  while (connection.sendResult({}, 'r'.repeat(4_000_000), () => undefined));
  connection.send('c'.repeat(131_072))
  expect(connection.isLost).toBe(false)
  for (let n = 0; n < 32; n++) connection.send('c'.repeat(131_072))
  expect(connection.isLost).toBe(true)
})

test('a probe is answered behind everything that the peer had written', async () => {
  const heard: string[] = []
  connection.onMessage = (text) => heard.push(text)
  peer.send('one')
  peer.send('two')
  await new Promise<void>((resolve) => {
    connection.probe(() => {
      heard.push('pong')
      resolve()
    })
  })
  expect(heard).toEqual(['one', 'two', 'pong'])
})

test('the close frame of a finished connection waits until a long frame before it has left', async () => {
  const long = 'f'.repeat(32_000_000)
  peer.pause()
  connection.sendResult({}, long, () => undefined)
  while (stream().writableLength === 0) await new Promise((resolve) => setImmediate(resolve))
  connection.finish(1012, 'Bye.')
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(stream().writableEnded).toBe(false)
  const [message, closed] = [once(peer, 'message'), once(peer, 'close')]
  peer.resume()
  const [data] = (await message) as [Buffer]
  expect(data.length).toBe(long.length)
  expect((await closed)[0]).toBe(1012)
})

test('a finished connection whose peer takes nothing is given up as any other', async () => {
  peer.pause()
  let lost = 0
  connection.sendResult({}, 'f'.repeat(32_000_000), () => {
    lost += 1
  })
  while (stream().writableLength === 0) await new Promise((resolve) => setImmediate(resolve))
  connection.finish(1012, 'Bye.')
  await clock.advance(150_000)
  expect(lost).toBe(1)
  expect(stream().destroyed).toBe(true)
})

test('a finished connection ends with its close frame, though the peer says nothing to it', async () => {
  const before = connection
  const { port } = server.address() as AddressInfo
  const raw = connect(port, '127.0.0.1')
  const head = ['GET / HTTP/1.1', 'Host: 127.0.0.1', 'Connection: Upgrade', 'Upgrade: websocket']
  const rest = [
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Protocol: mcp',
  ]
  raw.write([...head, ...rest, '', ''].join('\r\n'))
  await once(raw, 'data')
  expect(connection).not.toBe(before)
  const ended = once(raw, 'end')
  const frame = once(raw, 'data')
  connection.finish(1012, 'Bye.')
  const [data] = (await frame) as [Buffer]
  await ended
  expect(data.readUInt16BE(2)).toBe(1012)
  raw.destroy()
})
