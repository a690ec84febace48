import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Clock } from '../lib/clock.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { Edge } from './edge.ts'
import type { EdgeLimits } from './edge-limits.ts'
import { createHttpListener, type HttpListener, type Route } from './http-listener.ts'
import { createOriginGuard } from './origin-guard.ts'

let clock: VirtualClock
/** How far the machine's time went on while nothing ran. */
let skippedMs: number
let edge: Edge
let listener: HttpListener
let port: number
let seen: [IncomingMessage, ServerResponse][]
const peers: Peer[] = []

/** A client on a bare socket that keeps its side open whatever the server does. */
class Peer {
  readonly socket: Socket
  readonly ended: Promise<unknown>
  got = ''

  constructor(localAddress = '127.0.0.1') {
    this.socket = connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true })
    this.socket.on('error', () => undefined)
    this.socket.on('data', (data) => {
      this.got += data.toString('latin1')
    })
    this.ended = new Promise((resolve) => this.socket.once('end', resolve).once('close', resolve))
    peers.push(this)
  }

  get statuses(): readonly number[] {
    return [...this.got.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
  }
}

async function start(limits: Partial<EdgeLimits> = {}): Promise<void> {
  clock = new VirtualClock()
  seen = []
  skippedMs = 0
  const machine: Clock = {
    now: () => clock.now() + skippedMs,
    wallMs: () => clock.wallMs(),
    after: (delayMs, run) => clock.after(delayMs, run),
  }
  edge = new Edge({ clock: machine, limits, streamedPaths: ['/files'] })
  const take: Route = (request, response) => {
    request.resume()
    seen.push([request, response])
  }
  const mine = edge.owning((request) => ({ principal: String(request.headers['x-principal']) }))
  const routes = new Map<string, Route>([
    ['/take', take],
    ['/files', take],
    ['/filesystem', take],
    [
      '/mine',
      (request, response) => {
        mine(request)
        response.end('yours')
      },
    ],
  ])
  listener = createHttpListener({ routes, upgrades: new Map(), guard: createOriginGuard(), edge })
  port = await listener.listen('127.0.0.1', 0)
}

afterEach(async () => {
  for (const { socket } of peers.splice(0)) socket.destroy()
  await listener.destroy()
  expect(listener.inspect()).toEqual({ connections: 0, inFlight: 0 })
  expect(edge.inspect()).toMatchObject({ unidentified: 0, partialBytes: 0 })
  expect(clock.pendingTimers).toBe(0)
})

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve))
}

function open(localAddress?: string): Peer {
  return new Peer(localAddress)
}

async function connected(): Promise<Peer> {
  const before = listener.inspect().connections
  const peer = open()
  await until(() => listener.inspect().connections > before)
  return peer
}

const head = (path: string, length: number): string =>
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${length}\r\n\r\n`

async function beginBody(path: string, length = 100_000): Promise<Peer> {
  const peer = open()
  peer.socket.write(head(path, length))
  await until(() => seen.length === peers.length)
  return peer
}

test('a message whose body does not come in time is answered 408, counted, and its connection closed', async () => {
  await start({ bodyMs: 60_000 })
  const peer = await beginBody('/take')
  await clock.advance(59_000)
  expect(edge.inspect().shed).toEqual({})
  await clock.advance(3_000)
  await peer.ended
  expect(peer.statuses).toEqual([408])
  expect(peer.got).toMatch(/connection: close/i)
  expect(edge.inspect().shed).toEqual({ 'body-late': 1 })
})

test('a message that comes byte by byte is no better than one that does not come', async () => {
  await start({ bodyMs: 60_000 })
  const peer = await beginBody('/filesystem')
  const socket = seen[0]?.[0].socket as Socket
  for (let second = 0; second < 62 && edge.inspect().shed['body-late'] === undefined; second++) {
    const before = socket.bytesRead
    peer.socket.write('x')
    await until(() => socket.bytesRead > before)
    await clock.advance(1_000)
  }
  await peer.ended
  expect(peer.statuses).toEqual([408])
})

test('an upload may take for ever at the least rate, and not below it', async () => {
  await start({ bodyMs: 60_000, bodyBytesPerSecondMin: 1_000 })
  const peer = await beginBody('/files')
  const socket = seen[0]?.[0].socket
  const send = async (bytes: number): Promise<void> => {
    const before = socket?.bytesRead ?? 0
    peer.socket.write('x'.repeat(bytes))
    await until(() => (socket?.bytesRead ?? 0) >= before + bytes)
  }
  for (let n = 0; n < 32; n++) {
    await send(3_000)
    await clock.advance(2_500)
  }
  expect(edge.inspect().shed).toEqual({})
  await send(100)
  await clock.advance(25_000)
  await peer.ended
  expect(peer.statuses).toEqual([408])
  expect(edge.inspect().shed).toEqual({ 'body-late': 1 })
})

test('while this process stood still nobody was slow but us', async () => {
  await start({ bodyMs: 60_000 })
  const peer = await beginBody('/take', 1)
  await clock.advance(1_000)
  skippedMs = 3_600_000
  await clock.advance(10_000)
  expect(edge.inspect().shed).toEqual({})
  peer.socket.write('x')
  await until(() => seen[0]?.[0].complete === true)
  seen[0]?.[1].end('heard')
  await until(() => peer.got.includes('heard'))
})

test('an answer of which nobody takes a byte is given up', async () => {
  await start({ untakenMs: 180_000 })
  const peer = await beginBody('/take', 0)
  peer.socket.pause()
  seen[0]?.[1].end('x'.repeat(32 * 1024 * 1024))
  await until(() => (seen[0]?.[0].socket.writableLength ?? 0) > 0)
  const taken = (): number =>
    (seen[0]?.[0].socket.bytesWritten ?? 0) - (seen[0]?.[0].socket.writableLength ?? 0)
  for (let before = -1; before !== taken(); ) {
    before = taken()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await clock.advance(170_000)
  expect(edge.inspect().shed).toEqual({})
  await clock.advance(20_000)
  await until(() => listener.inspect().connections === 0)
  expect(edge.inspect().shed).toEqual({ untaken: 1 })
})

test('a socket that we have ended does not stay half open', async () => {
  await start()
  const peer = await connected()
  peer.socket.write('NONSENSE\r\n\r\n')
  await peer.ended
  expect(peer.statuses).toEqual([400])
  await until(() => [...edge][0]?.speaker.writableFinished === true)
  expect(listener.inspect().connections).toBe(1)
  await clock.advance(4_000)
  await until(() => listener.inspect().connections === 0)
  expect(edge.inspect().shed).toEqual({ 'not-http': 1 })
})

test('one more than there are places is told so, is heard no further, and is closed', async () => {
  await start({ connectionsMax: 1 })
  await connected()
  const second = open()
  second.socket.write(head('/take', 0))
  await second.ended
  expect(second.statuses).toEqual([503])
  expect(seen).toEqual([])
  await clock.advance(4_000)
  await until(() => listener.inspect().connections === 1)
  expect(edge.inspect().shed).toEqual({ 'no-place': 1 })
})

test('of those that do not say whose they are the oldest gives way, and whoever has said it stays', async () => {
  await start({ unidentifiedPerAddressMax: 2 })
  const named = await connected()
  named.socket.write('GET /mine HTTP/1.1\r\nhost: 127.0.0.1\r\nx-principal: anna\r\n\r\n')
  await until(() => named.got.includes('yours'))
  const oldest = await connected()
  await connected()
  const newest = open()
  await oldest.ended
  newest.socket.write(head('/take', 0))
  await until(() => seen.length === 1)
  expect(edge.inspect()).toEqual({ unidentified: 2, partialBytes: 0, shed: { 'gave-way': 1 } })
  expect(named.socket.destroyed).toBe(false)
})

test('one principal has its places and no more; they come back with its sockets', async () => {
  await start({ connectionsPerPrincipalMax: 2 })
  const own = edge.owning(() => ({ principal: 'anna' }))
  const requests: IncomingMessage[] = []
  for (let n = 0; n < 3; n++) {
    await beginBody('/take', 0)
    requests.push(seen[n]?.[0] as IncomingMessage)
  }
  const [first, second, third] = requests as [IncomingMessage, IncomingMessage, IncomingMessage]
  own(first)
  own(first)
  own(second)
  expect(() => own(third)).toThrow(/has its 2 connections open/)
  edge.owning(() => ({ principal: 'bert' }))(third)
  peers[0]?.socket.destroy()
  await until(() => listener.inspect().connections === 2)
  own(third)
  expect(edge.inspect()).toEqual({ unidentified: 0, partialBytes: 0, shed: { 'principal-full': 1 } })
})

const askOf = (principal: string): string =>
  `GET /mine HTTP/1.1\r\nhost: 127.0.0.1\r\nx-principal: ${principal}\r\n\r\n`
const mine = (principal: string): ((request?: IncomingMessage) => void) => {
  const own = edge.owning(() => ({ principal }))
  return (request) => own(request as IncomingMessage)
}

/** Asks once as that principal, and rests. */
async function rest(principal: string, peer = open()): Promise<Peer> {
  const [told, { inFlight }] = [peer.statuses.length, listener.inspect()]
  peer.socket.write(askOf(principal))
  await until(() => peer.statuses.length > told && listener.inspect().inFlight === inFlight)
  return peer
}

test('for one more of a principal the connection goes that has rested longest of its own', async () => {
  await start({ connectionsPerPrincipalMax: 3 })
  const bert = await rest('bert')
  const [first, second] = [await rest('anna'), await rest('anna')]
  const busy = open()
  busy.socket.write(head('/take', 0))
  await until(() => seen.length === 1)
  mine('anna')(seen[0]?.[0])
  await rest('anna', first)
  const newest = await rest('anna')
  await second.ended
  expect(second.statuses).toEqual([200])
  for (const peer of [bert, first, busy, newest]) expect(peer.socket.readableEnded).toBe(false)
  expect(edge.inspect()).toEqual({ unidentified: 0, partialBytes: 0, shed: { rested: 1 } })
  // One after another, and then there is none.
  for (let n = 0; n < 2; n++) {
    await beginTaken()
    mine('anna')(seen.at(-1)?.[0])
  }
  await Promise.all([first.ended, newest.ended])
  await beginTaken()
  expect(() => mine('anna')(seen.at(-1)?.[0])).toThrow(/has its 3 connections open/)
  expect(bert.socket.readableEnded).toBe(false)
  expect(edge.inspect().shed).toEqual({ rested: 3, 'principal-full': 1 })
})

async function beginTaken(): Promise<void> {
  const before = seen.length
  open().socket.write(head('/take', 0))
  await until(() => seen.length > before)
}

test('whoever has begun to speak again rests no more until it is answered', async () => {
  await start({ connectionsPerPrincipalMax: 1 })
  const peer = await rest('anna')
  await beginTaken()
  peer.socket.write('POST /ta')
  const speaker = [...edge][0]?.speaker
  const before = speaker?.bytesRead ?? 0
  await until(() => (speaker?.bytesRead ?? 0) > before)
  expect(() => mine('anna')(seen[0]?.[0])).toThrow(/has its 1 connections open/)
  peer.socket.write('ke HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n')
  await until(() => seen.length === 2)
  seen[1]?.[1].end('heard')
  await until(() => peer.got.includes('heard') && [...edge][0]?.inFlight === 0)
  mine('anna')(seen[0]?.[0])
  await peer.ended
  expect(edge.inspect().shed).toEqual({ 'principal-full': 1, rested: 1 })
})

test('what has become a WebSocket never rests', async () => {
  await start({ connectionsPerPrincipalMax: 1 })
  await rest('anna')
  expect(edge.mayUpgrade([...edge][0]?.speaker as Socket)).toBe(true)
  await beginTaken()
  expect(() => mine('anna')(seen[0]?.[0])).toThrow(/has its 1 connections open/)
})

test('where every place is taken one that rests makes room for others of its address, and for nobody else', async () => {
  await start({ connectionsMax: 2 })
  const elsewhere = await rest('anna', open('127.0.0.2'))
  const here = await rest('anna')
  const newcomer = await rest('bert')
  await here.ended
  await beginTaken()
  await newcomer.ended
  const last = open()
  await last.ended
  expect(last.statuses).toEqual([503])
  expect(elsewhere.socket.readableEnded).toBe(false)
  expect(edge.inspect().shed).toEqual({ rested: 2, 'no-place': 1 })
})

test('what is pipelined beyond the bound is refused once, in its turn, and the connection ends', async () => {
  await start({ requestsPerConnectionMax: 3 })
  const peer = open()
  peer.socket.write(head('/take', 0).repeat(50))
  await until(() => seen.length === 3 && edge.inspect().shed.crowded === 1)
  for (const [, response] of seen) response.end('answer')
  await peer.ended
  expect(peer.statuses).toEqual([200, 200, 200, 503])
  expect(seen).toHaveLength(3)
  expect(edge.inspect().shed).toEqual({ crowded: 1 })
})

test('a head with too many fields is 431, however short they are', async () => {
  await start({ headFieldsMax: 40 })
  const fields = (count: number): string =>
    `GET /mine HTTP/1.1\r\nhost: 127.0.0.1\r\n${Array.from({ length: count }, (_, n) => `a${n}:\r\n`).join('')}\r\n`
  const few = open()
  few.socket.write(fields(39))
  await until(() => few.got.includes('yours'))
  const many = open()
  many.socket.write(fields(40))
  await many.ended
  expect(many.statuses).toEqual([431])
  expect(edge.inspect().shed).toEqual({ 'head-large': 1 })
})

test('nothing is upgraded in the middle of other requests', async () => {
  await start()
  const peer = await beginBody('/take', 0)
  peer.socket.write(
    'GET /ws HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n',
  )
  await peer.ended
  expect(peer.got).toBe('')
  await until(() => listener.inspect().inFlight === 0)
})
