import { beforeEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { Bridge } from './bridge.ts'
import type { LinkEvents } from './link.ts'

interface FakeLink extends LinkEvents {
  readonly sent: Record<string, unknown>[]
  isClosed: boolean
}

let clock = new VirtualClock()
let links: FakeLink[] = []
let written: Record<string, unknown>[] = []
let bridge: Bridge

beforeEach(() => {
  clock = new VirtualClock()
  links = []
  written = []
  bridge = new Bridge({
    url: 'ws://h/ws',
    connect(events) {
      const link: FakeLink = { ...events, sent: [], isClosed: false }
      links.push(link)
      return {
        send: (text) => link.sent.push(JSON.parse(text) as Record<string, unknown>),
        bufferedBytes: 0,
        pause() {},
        resume() {},
        close() {
          link.isClosed = true
        },
      }
    },
    write: (line) => {
      expect(line).not.toMatch(/[\r\n]/)
      written.push(JSON.parse(line) as Record<string, unknown>)
    },
    log() {},
    onSent() {},
    clock,
    random: () => 0.5,
  })
  bridge.start()
})

function link(index: number): FakeLink {
  const found = links[index]
  if (found === undefined) throw new Error(`there is no link ${index}`)
  return found
}

const client = (message: object): void => bridge.fromClient(JSON.stringify({ jsonrpc: '2.0', ...message }))
const server = (index: number, message: object): void =>
  link(index).onMessage(JSON.stringify({ jsonrpc: '2.0', ...message }))
const messageOf = (answer: Record<string, unknown> | undefined): string =>
  (answer?.error as { message: string } | undefined)?.message ?? ''

function initialize(): void {
  link(0).onOpen()
  client({ id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25' } })
  server(0, { id: 0, result: { protocolVersion: '2025-11-25' } })
  client({ method: 'notifications/initialized' })
  written.length = 0
  link(0).sent.length = 0
}

async function reconnect(index: number): Promise<void> {
  await clock.advance(5_000)
  link(index).onOpen()
  server(index, { id: link(index).sent[0]?.id, result: {} })
}

describe('while connected', () => {
  test('messages of both sides pass as they are', () => {
    initialize()
    client({ id: 'a', method: 'tools/call', params: { name: 'chat', _meta: { progressToken: 'a' } } })
    server(0, { method: 'notifications/progress', params: { progressToken: 'a', progress: 1 } })
    server(0, { id: 7, method: 'roots/list' })
    client({ id: 7, result: { roots: [] } })
    server(0, { id: 'a', result: { content: [] } })
    expect(link(0).sent.map(({ id, method }) => [id, method])).toEqual([
      ['a', 'tools/call'],
      [7, undefined],
    ])
    expect(written.map(({ id, method }) => [id, method])).toEqual([
      [undefined, 'notifications/progress'],
      [7, 'roots/list'],
      ['a', undefined],
    ])
  })

  test('a cancel passes once, and a late answer to it does not come back', () => {
    initialize()
    client({ id: 1, method: 'tools/call' })
    client({ method: 'notifications/cancelled', params: { requestId: 1 } })
    client({ method: 'notifications/cancelled', params: { requestId: 1 } })
    server(0, { id: 1, result: {} })
    expect(link(0).sent.map(({ method }) => method)).toEqual(['tools/call', 'notifications/cancelled'])
    expect(written).toEqual([])
  })

  test('1 and "1" are two requests', () => {
    initialize()
    client({ id: 1, method: 'ping' })
    client({ id: '1', method: 'ping' })
    server(0, { id: '1', result: {} })
    server(0, { id: 1, result: {} })
    expect(written.map(({ id }) => id)).toEqual(['1', 1])
  })

  test('a message printed over several lines comes out as one', () => {
    initialize()
    client({ id: 1, method: 'ping' })
    link(0).onMessage('{\n  "jsonrpc": "2.0",\r\n  "id": 1, "result": {}\n}')
    expect(written).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }])
  })

  test('what is not JSON is refused towards the client and dropped towards it', () => {
    initialize()
    bridge.fromClient('{"id":')
    link(0).onMessage('nonsense')
    expect(written).toHaveLength(1)
    expect(written[0]).toMatchObject({ id: null, error: { code: -32_700 } })
  })
})

describe('when the connection breaks', () => {
  test('what was in flight gets one error that says what happened; nothing is sent twice', async () => {
    initialize()
    client({ id: 1, method: 'tools/call' })
    client({ id: 2, method: 'tools/call' })
    server(0, { id: 1, result: {} })
    link(0).onClose('the server is restarting')
    expect(written.map(({ id }) => id)).toEqual([1, 2])
    expect(messageOf(written[1])).toMatch(
      /ws:\/\/h\/ws was lost while this was running.*the server is restarting/,
    )
    await reconnect(1)
    expect(link(1).sent.map(({ method }) => method)).toEqual(['initialize', 'notifications/initialized'])
    expect(written).toHaveLength(2)
  })

  test('the handshake is replayed under an id of the bridge, before anything that waited, and stays hidden', async () => {
    initialize()
    link(0).onClose('gone')
    client({ id: 5, method: 'tools/list' })
    client({ method: 'notifications/roots/list_changed' })
    await clock.advance(5_000)
    link(1).onOpen()
    expect(link(1).sent).toEqual([
      {
        jsonrpc: '2.0',
        id: 'exai-bridge-initialize-1',
        method: 'initialize',
        params: { protocolVersion: '2025-11-25' },
      },
    ])
    server(1, { id: 'exai-bridge-initialize-1', result: {} })
    expect(
      link(1)
        .sent.slice(1)
        .map(({ method }) => method),
    ).toEqual(['notifications/initialized', 'tools/list', 'notifications/roots/list_changed'])
    server(1, { id: 5, result: {} })
    expect(written.map(({ id }) => id)).toEqual([5])
  })

  test('an answer to a request of the old connection never reaches the new one', async () => {
    initialize()
    server(0, { id: 1, method: 'roots/list' })
    link(0).onClose('gone')
    await reconnect(1)
    client({ id: 1, result: { roots: [] } })
    expect(link(1).sent.every((message) => !('result' in message))).toBe(true)
  })

  test('a stream that only listens is taken up again without a word', async () => {
    link(0).onOpen()
    client({ id: 'listen:0', method: 'subscriptions/listen', params: { notifications: {} } })
    link(0).onClose('gone')
    await clock.advance(5_000)
    link(1).onOpen()
    expect(link(1).sent.map(({ id }) => id)).toEqual(['listen:0'])
    expect(written).toEqual([])
  })

  test('a handshake that was cut off is sent again and answered once', async () => {
    link(0).onOpen()
    client({ id: 0, method: 'initialize' })
    link(0).onClose('gone')
    await clock.advance(1_000)
    link(1).onOpen()
    server(1, { id: 0, result: {} })
    expect(written.map(({ id }) => id)).toEqual([0])
  })

  test('a server that refuses the replay is left and tried again', async () => {
    initialize()
    link(0).onClose('gone')
    await clock.advance(5_000)
    link(1).onOpen()
    server(1, { id: 'exai-bridge-initialize-1', error: { code: -1, message: 'no' } })
    expect(link(1).isClosed).toBe(true)
    link(1).onClose('closed')
    await clock.advance(5_000)
    expect(links).toHaveLength(3)
    expect(written).toEqual([])
  })

  test('a server that never answers the replay is left after ten seconds', async () => {
    initialize()
    link(0).onClose('gone')
    await clock.advance(200)
    link(1).onOpen()
    await clock.advance(10_000)
    expect(link(1).isClosed).toBe(true)
  })

  test('attempts come ever more slowly, up to every five seconds, also at a server that throws us out at once', async () => {
    const times: number[] = []
    for (let attempt = 0; attempt < 12; attempt++) {
      times.push(clock.now())
      link(attempt).onOpen()
      link(attempt).onClose('busy')
      while (links.length === attempt + 1) await clock.advance(50)
    }
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    expect(gaps[0]).toBeLessThanOrEqual(200)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5_000)
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(2_500)
  })
})

describe('while there is no server', () => {
  test('a request waits and is sent when the server comes', async () => {
    client({ id: 0, method: 'initialize' })
    link(0).onClose('connection refused')
    await clock.advance(10_000)
    expect(written).toEqual([])
    links.at(-1)?.onOpen()
    expect(links.at(-1)?.sent.map(({ id }) => id)).toEqual([0])
  })

  test('after 30 s it gets one error with the reason and what to do', async () => {
    client({ id: 0, method: 'initialize' })
    link(0).onClose('connection refused')
    await clock.advance(29_999)
    expect(written).toEqual([])
    await clock.advance(1)
    expect(written).toHaveLength(1)
    expect(messageOf(written[0])).toMatch(/could not be reached for 30 s \(connection refused\).*exai serve/)
    links.at(-1)?.onOpen()
    expect(links.at(-1)?.sent).toEqual([])
  })

  test('64 messages wait; the next request is refused at once', () => {
    for (let id = 0; id < 65; id++) client({ id, method: 'ping' })
    expect(written.map(({ id }) => id)).toEqual([64])
    expect(messageOf(written[0])).toContain('too many messages wait')
  })

  test('4 MiB wait; a larger pile is refused', () => {
    client({ id: 1, method: 'x', params: { text: 'a'.repeat(3 * 1024 * 1024) } })
    client({ id: 2, method: 'x', params: { text: 'a'.repeat(2 * 1024 * 1024) } })
    expect(written.map(({ id }) => id)).toEqual([2])
  })

  test('what was cancelled while it waited is never sent and never answered', async () => {
    client({ id: 1, method: 'tools/call' })
    client({ method: 'notifications/cancelled', params: { requestId: 1 } })
    link(0).onOpen()
    await clock.advance(60_000)
    expect(link(0).sent).toEqual([])
    expect(written).toEqual([])
  })
})

test('at the end nothing is left: no timer, no answer, no further attempt', async () => {
  client({ id: 1, method: 'ping' })
  link(0).onClose('gone')
  client({ id: 2, method: 'ping' })
  bridge.end()
  expect(clock.pendingTimers).toBe(0)
  await clock.advance(60_000)
  expect(links).toHaveLength(1)
  expect(written).toEqual([])
})
