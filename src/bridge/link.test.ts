import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { type Connect, createConnect, type Link, type LinkEnd } from './link.ts'

let clock: VirtualClock
let http: Server
let connect: Connect
/** Answers an upgrade; null: opens a WebSocket. */
let refusal: ((stream: Duplex) => void) | null
let answersPings: boolean
let peers: WebSocket[]
let streams: Duplex[]

beforeEach(async () => {
  clock = new VirtualClock()
  refusal = null
  answersPings = true
  peers = []
  streams = []
  http = createServer()
  const door = new WebSocketServer({ noServer: true, autoPong: false, handleProtocols: () => 'mcp' })
  door.on('connection', (peer) => {
    peers.push(peer)
    peer.on('ping', () => {
      if (answersPings) peer.pong()
    })
  })
  http.on('upgrade', (request, stream, head) => {
    streams.push(stream)
    stream.on('error', () => undefined)
    if (refusal === null) door.handleUpgrade(request, stream, head, (peer) => door.emit('connection', peer))
    else refusal(stream)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  connect = createConnect(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws`, () => ({}), clock)
})
afterEach(async () => {
  for (const stream of streams) stream.destroy()
  http.close()
  await once(http, 'close')
  expect(clock.pendingTimers).toBe(0)
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A link, what came by it, and its end. */
interface Dialled {
  readonly link: Link
  readonly messages: string[]
  readonly opened: Promise<void>
  readonly closed: Promise<LinkEnd>
  isClosed: boolean
}

function dial(): Dialled {
  let open = (): void => undefined
  let close: (end: LinkEnd) => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const closed = new Promise<LinkEnd>((resolve) => {
    close = resolve
  })
  const messages: string[] = []
  const link = connect({
    onOpen: () => open(),
    onMessage: (text) => messages.push(text),
    onSent: () => undefined,
    onClose(end) {
      dialled.isClosed = true
      close(end)
    },
  })
  const dialled: Dialled = { link, messages, opened, closed, isClosed: false }
  return dialled
}

const head = (status: number, type = 'text/plain; charset=utf-8'): string =>
  `HTTP/1.1 ${status} Refused\r\ncontent-type: ${type}\r\nconnection: close\r\n\r\n`

function refuse(status: number, body: string, type?: string): Promise<LinkEnd> {
  refusal = (stream) => stream.end(head(status, type) + body)
  return dial().closed
}

describe('an upgrade that is refused', () => {
  test.each([
    [400, 'barred'],
    [401, 'barred'],
    [403, 'barred'],
    [404, 'barred'],
    [499, 'barred'],
    [302, 'unknown'],
    [399, 'unknown'],
    [408, 'unknown'],
    [425, 'unknown'],
    [429, 'unknown'],
    [500, 'unknown'],
    [503, 'unknown'],
  ])('with %i leaves the bridge %s, and says why in the words of the server', async (status, fate) => {
    const { reason, fate: found } = await refuse(status, 'Send  a\r\nkey. Or\u001b two.\n')
    expect(found).toBe(fate)
    expect(reason.startsWith(`it answered with HTTP ${status}: Send a key. Or two`)).toBe(true)
    expect(reason.endsWith(' two.')).toBe(false)
  })

  test('for want of a key says where the bridge takes it from', async () => {
    expect((await refuse(401, 'No.')).reason).toMatch(/: No\. The bridge takes its key from EXAI_KEY/)
    expect((await refuse(403, 'No.')).reason).not.toContain('EXAI_KEY')
  })

  test('at a path that has served before is waited out', async () => {
    const first = dial()
    await first.opened
    first.link.close()
    await first.closed
    expect((await refuse(404, 'There is nothing here.')).fate).toBe('unknown')
    expect((await refuse(401, 'No.')).fate).toBe('barred')
  })

  test('by a page or by nothing says the number alone', async () => {
    expect((await refuse(403, '<html>No.</html>', 'text/html')).reason).toBe('it answered with HTTP 403')
    expect((await refuse(403, '')).reason).toBe('it answered with HTTP 403')
  })

  test('in a text without end says the beginning of it', async () => {
    refusal = (stream) => stream.write(`${head(403)}${'No. '.repeat(500)}`)
    const { reason } = await dial().closed
    expect(reason).toMatch(/^it answered with HTTP 403: No\. No\./)
    expect(reason.length).toBeLessThan(600)
  })

  test('in a text that does not go on is not waited for', async () => {
    refusal = (stream) => stream.write(`${head(403)}Not`)
    const refused = dial()
    while (clock.pendingTimers === 0) await turn()
    await clock.advance(1_999)
    expect(refused.isClosed).toBe(false)
    await clock.advance(1)
    expect((await refused.closed).fate).toBe('barred')
  })

  test.each<[how: string, breakIt: (stream: Duplex) => void]>([
    ['is reset', (stream) => (stream as Socket).resetAndDestroy()],
    ['sends nonsense', (stream) => stream.write('no chunk\r\n')],
  ])(
    'by a connection that %s in the middle of the sentence is known by its number',
    async (_how, breakIt) => {
      const chunked = head(401).replace('connection: close', 'transfer-encoding: chunked')
      refusal = (stream) => stream.write(`${chunked}4\r\nThis\r\n`)
      const refused = dial()
      while (clock.pendingTimers === 0) await turn()
      breakIt(streams[0] as Duplex)
      const { reason, fate } = await refused.closed
      expect(reason).toMatch(/^it answered with HTTP 401\. The bridge takes its key/)
      expect(fate).toBe('barred')
      while (clock.pendingTimers > 0) await turn()
    },
  )

  test('while the bridge goes leaves nothing', async () => {
    refusal = (stream) => stream.write(`${head(403)}Not`)
    const refused = dial()
    while (clock.pendingTimers === 0) await turn()
    refused.link.close()
    await refused.closed
    // The answer ends a little later than its link.
    while (clock.pendingTimers > 0) await turn()
  })
})

describe('a server that is not heard', () => {
  async function connected(): Promise<Dialled> {
    const dialled = dial()
    await dialled.opened
    return dialled
  }
  /** A ping comes to the server within `ms`. */
  async function pinged(ms: number): Promise<void> {
    const ping = once(peers[0] as WebSocket, 'ping')
    await clock.advance(ms)
    await ping
  }

  test('for two beats is left', async () => {
    answersPings = false
    const { closed } = await connected()
    await pinged(15_000)
    await clock.advance(15_000)
    expect((await closed).reason).toBe('the server was silent for 30 s')
  })

  test('because nobody reads here is not blamed for it, and heard again afterwards', async () => {
    const dialled = await connected()
    dialled.link.pause()
    peers[0]?.send('unread')
    await pinged(15_000)
    await clock.advance(600_000)
    dialled.link.resume()
    peers[0]?.send('the last')
    while (dialled.messages.length < 2 && !dialled.isClosed) await turn()
    expect(dialled.messages).toEqual(['unread', 'the last'])
    await pinged(15_000)
    dialled.link.close()
    await dialled.closed
  })

  test('has two beats from then on', async () => {
    answersPings = false
    const dialled = await connected()
    dialled.link.pause()
    await pinged(15_000)
    await clock.advance(10_000)
    dialled.link.resume()
    await clock.advance(15_000)
    // Where it is given up, no further beat is due.
    expect(clock.pendingTimers).toBe(1)
    await clock.advance(15_000)
    expect((await dialled.closed).reason).toBe('the server was silent for 30 s')
  })

  test('after a message into a silence is left in ten seconds, but not while nobody reads here', async () => {
    answersPings = false
    const dialled = await connected()
    await clock.advance(5_000)
    dialled.link.send('probed')
    dialled.link.pause()
    await clock.advance(20_000)
    dialled.link.send('not probed')
    await clock.advance(20_000)
    for (let turns = 0; turns < 10; turns++) await turn()
    expect(dialled.isClosed).toBe(false)
    dialled.link.resume()
    dialled.link.send('probed again')
    await clock.advance(10_000)
    expect((await dialled.closed).reason).toBe('the server did not answer for 10 s')
  })
})
