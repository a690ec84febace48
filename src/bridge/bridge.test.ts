import { beforeEach, describe, expect, test } from 'vitest'
import { instanceMethod } from '../domain/resend.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { Bridge } from './bridge.ts'
import type { LinkEvents, ServerFate } from './link.ts'

interface FakeLink extends LinkEvents {
  readonly sent: Record<string, unknown>[]
  isClosed: boolean
}

/** The bridge's own question at the start of every connection; the tests answer it by `named`. */
const isInstanceQuestion = ({ method }: Record<string, unknown>): boolean => method === instanceMethod

let clock = new VirtualClock()
// A machine that sleeps stops the clock and its timers, but not the time by the wall.
let sleptMs = 0
let links: FakeLink[] = []
let written: Record<string, unknown>[] = []
let bridge: Bridge

beforeEach(() => {
  clock = new VirtualClock()
  sleptMs = 0
  links = []
  written = []
  bridge = new Bridge({
    url: 'ws://h/ws',
    keyPrefix: 'bridge',
    connect(events) {
      const link: FakeLink = { ...events, sent: [], isClosed: false }
      links.push(link)
      return {
        send: (text) => {
          const message = JSON.parse(text) as Record<string, unknown>
          if (!isInstanceQuestion(message)) link.sent.push(message)
        },
        bufferedBytes: () => 0,
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
    clock: {
      now: () => clock.now(),
      wallMs: () => clock.wallMs() + sleptMs,
      after: (delayMs, run) => clock.after(delayMs, run),
    },
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
/** The server on this connection says which process it is, and how many bytes it takes in one message. */
const named = (index: number, instance: string, messageBytesMax?: number): void =>
  server(index, { id: `exai-bridge-instance-${index + 1}`, result: { instance, messageBytesMax } })
const breaks = (index: number, reason = 'gone', fate: ServerFate = 'gone'): void =>
  link(index).onClose({ reason, fate })
const metaOf = (message: Record<string, unknown> | undefined): unknown =>
  (message?.params as { _meta?: unknown } | undefined)?._meta
const call = (id: number, toolUseId = `toolu_${id}`): void =>
  client({ id, method: 'tools/call', params: { name: 'chat', _meta: { 'claudecode/toolUseId': toolUseId } } })
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
    expect(written[0]).toMatchObject({ error: { code: -32_700 } })
    // Neither revision's schema knows a null id.
    expect(written[0]).not.toHaveProperty('id')
  })
})

describe('when the connection breaks', () => {
  test('what was in flight gets one error that says what happened; nothing is sent twice', async () => {
    initialize()
    client({ id: 1, method: 'tools/call' })
    client({ id: 2, method: 'tools/call' })
    server(0, { id: 1, result: {} })
    breaks(0, 'the server is restarting')
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
    breaks(0)
    client({ id: 5, method: 'tools/list' })
    client({ method: 'notifications/roots/list_changed' })
    await clock.advance(5_000)
    link(1).onOpen()
    expect(link(1).sent).toEqual([
      {
        jsonrpc: '2.0',
        id: 'exai-bridge-initialize-2',
        method: 'initialize',
        params: { protocolVersion: '2025-11-25' },
      },
    ])
    server(1, { id: 'exai-bridge-initialize-2', result: {} })
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
    breaks(0)
    await reconnect(1)
    client({ id: 1, result: { roots: [] } })
    expect(link(1).sent.every((message) => !('result' in message))).toBe(true)
  })

  test('the client is told that nobody waits for its answers any more: its person may be looking at a question', async () => {
    initialize()
    for (const id of [1, 'two', 3]) server(0, { id, method: 'elicitation/create' })
    client({ id: 3, result: { action: 'decline' } })
    written.length = 0
    breaks(0)
    expect(written.map(({ method, params }) => [method, params])).toEqual([
      ['notifications/cancelled', { requestId: 1 }],
      ['notifications/cancelled', { requestId: 'two' }],
    ])
    await reconnect(1)
    client({ id: 1, result: { action: 'decline' } })
    expect(link(1).sent.every((message) => !('result' in message))).toBe(true)
  })

  test('a stream that only listens is taken up again without a word', async () => {
    link(0).onOpen()
    client({ id: 'listen:0', method: 'subscriptions/listen', params: { notifications: {} } })
    breaks(0)
    await clock.advance(5_000)
    link(1).onOpen()
    expect(link(1).sent.map(({ id }) => id)).toEqual(['listen:0'])
    expect(written).toEqual([])
  })

  test('a handshake that was cut off is sent again and answered once', async () => {
    link(0).onOpen()
    client({ id: 0, method: 'initialize' })
    breaks(0)
    await clock.advance(1_000)
    link(1).onOpen()
    server(1, { id: 0, result: {} })
    expect(written.map(({ id }) => id)).toEqual([0])
  })

  test('a client that says it is initialised with the same breath is heard to say so, at a late server and at the next', async () => {
    client({ id: 0, method: 'initialize' })
    client({ method: 'notifications/initialized' })
    client({ id: 1, method: 'tools/list' })
    const said = ['initialize', 'notifications/initialized', 'tools/list']
    link(0).onOpen()
    expect(link(0).sent.map(({ method }) => method)).toEqual(said)
    breaks(0)
    await clock.advance(1_000)
    link(1).onOpen()
    expect(link(1).sent.map(({ method }) => method)).toEqual(said)
    server(1, { id: 0, result: {} })
    breaks(1)
    await reconnect(2)
    expect(link(2).sent.map(({ method }) => method)).toEqual(said)
  })

  test('the word of a client whose handshake came to nothing is not said of the next handshake', async () => {
    client({ id: 0, method: 'initialize' })
    client({ method: 'notifications/initialized' })
    await clock.advance(60_000)
    client({ id: 1, method: 'initialize' })
    link(0).onOpen()
    expect(link(0).sent.map(({ method }) => method)).toEqual(['initialize'])
  })

  test('a second handshake that the server refused leaves the first one as it was', async () => {
    initialize()
    client({ id: 8, method: 'initialize', params: { protocolVersion: 'another' } })
    server(0, { id: 8, error: { code: -32_600, message: 'initialised already' } })
    breaks(0)
    await clock.advance(5_000)
    link(1).onOpen()
    expect(link(1).sent[0]).toMatchObject({ method: 'initialize', params: { protocolVersion: '2025-11-25' } })
    server(1, { id: 'exai-bridge-initialize-2', result: {} })
    expect(link(1).sent.at(-1)).toMatchObject({ method: 'notifications/initialized' })
  })

  test('a second handshake that waits goes out behind the first, without a second word', async () => {
    initialize()
    breaks(0)
    client({ id: 8, method: 'initialize', params: { protocolVersion: 'another' } })
    await reconnect(1)
    expect(link(1).sent.map(({ id, method }) => [id, method])).toEqual([
      ['exai-bridge-initialize-2', 'initialize'],
      [undefined, 'notifications/initialized'],
      [8, 'initialize'],
    ])
  })

  test('a server that refuses the replay is left and tried again', async () => {
    initialize()
    breaks(0)
    await clock.advance(5_000)
    link(1).onOpen()
    server(1, { id: 'exai-bridge-initialize-2', error: { code: -1, message: 'no' } })
    expect(link(1).isClosed).toBe(true)
    breaks(1, 'closed')
    await clock.advance(5_000)
    expect(links).toHaveLength(3)
    expect(written).toEqual([])
  })

  test('a server that never answers the replay is left after ten seconds', async () => {
    initialize()
    breaks(0)
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
      breaks(attempt, 'busy')
      while (links.length === attempt + 1) await clock.advance(50)
    }
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    expect(gaps[0]).toBeLessThanOrEqual(200)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5_000)
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(2_500)
  })
})

describe('what is sent again', () => {
  function breakWithCallRunning(fate: ServerFate = 'unknown'): void {
    initialize()
    named(0, 'first')
    call(1)
    breaks(0, 'the connection was closed with 1006', fate)
  }
  async function comeBack(index: number, instance: string): Promise<void> {
    await clock.advance(5_000)
    link(index).onOpen()
    server(index, { id: `exai-bridge-initialize-${index + 1}`, result: {} })
    named(index, instance)
  }

  test('a call goes out with a key: the client’s own, or one of the bridge’s', () => {
    initialize()
    call(1)
    client({ id: 2, method: 'tools/call', params: { name: 'chat', _meta: { progressToken: 2 } } })
    client({ id: 3, method: 'tools/call' })
    expect(link(0).sent.map(metaOf)).toEqual([
      { 'claudecode/toolUseId': 'toolu_1', 'exai/key': 'toolu_1' },
      { progressToken: 2, 'exai/key': 'bridge-2' },
      { 'exai/key': 'bridge-3' },
    ])
  })

  test('a call goes again to the process that had it, marked, and its answer is the only one', async () => {
    breakWithCallRunning()
    expect(written).toEqual([])
    await comeBack(1, 'first')
    expect(link(1).sent.at(-1)).toMatchObject({ id: 1, method: 'tools/call' })
    expect(metaOf(link(1).sent.at(-1))).toEqual({
      'claudecode/toolUseId': 'toolu_1',
      'exai/key': 'toolu_1',
      'exai/resent-to': 'first',
      'exai/sending': 2,
    })
    server(1, { id: 1, result: {} })
    expect(written.map(({ id, error }) => [id, error])).toEqual([[1, undefined]])
  })

  test('it waits until the process has said its name', async () => {
    breakWithCallRunning()
    await clock.advance(5_000)
    link(1).onOpen()
    server(1, { id: 'exai-bridge-initialize-2', result: {} })
    expect(link(1).sent.map(({ method }) => method)).toEqual(['initialize'])
    named(1, 'first')
    expect(link(1).sent.map(({ method }) => method)).toEqual([
      'initialize',
      'notifications/initialized',
      'tools/call',
    ])
  })

  test('after a second break it goes a third time, and counts', async () => {
    breakWithCallRunning()
    await comeBack(1, 'first')
    breaks(1, 'gone again', 'unknown')
    await comeBack(2, 'first')
    expect(metaOf(link(2).sent.at(-1))).toMatchObject({ 'exai/resent-to': 'first', 'exai/sending': 3 })
  })

  test('another process never gets it: it fails once, and the next call works in the same session', async () => {
    breakWithCallRunning()
    await comeBack(1, 'second')
    expect(link(1).sent.some(({ method }) => method === 'tools/call')).toBe(false)
    expect(written.map(({ id }) => id)).toEqual([1])
    expect(messageOf(written[0])).toContain('may or may not have been done')
    call(2)
    server(1, { id: 2, result: {} })
    expect(written.map(({ id, error }) => [id, error !== undefined])).toEqual([
      [1, true],
      [2, false],
    ])
  })

  test('a server without a name never gets it either', async () => {
    initialize()
    call(1)
    breaks(0, 'gone', 'unknown')
    expect(written.map(({ id }) => id)).toEqual([1])
  })

  test('it fails at once when the server is found to be gone', async () => {
    breakWithCallRunning()
    expect(written).toEqual([])
    await clock.advance(200)
    breaks(1, 'connection refused', 'gone')
    expect(written.map(({ id }) => id)).toEqual([1])
  })

  test('a server that drained had not begun it: it goes to the next as it is', async () => {
    breakWithCallRunning('drained')
    await comeBack(1, 'second')
    expect(metaOf(link(1).sent.at(-1))).toEqual({ 'claudecode/toolUseId': 'toolu_1', 'exai/key': 'toolu_1' })
    expect(written).toEqual([])
  })

  test('a call that was not begun and finds no room is told so, and not that it may have been done', () => {
    initialize()
    named(0, 'first')
    for (let id = 1; id <= 65; id++) call(id)
    client({ id: 66, method: 'tools/call', params: { text: 'a'.repeat(5 * 1024 * 1024) } })
    breaks(0, 'the server is restarting', 'drained')
    expect(written.map(({ id }) => id)).toEqual([65, 66])
    for (const answer of written) {
      expect(messageOf(answer)).toContain('too many messages wait')
      expect(messageOf(answer)).not.toContain('may or may not')
    }
  })

  test('cancelled while it waits, it is taken up only to be cancelled, and nobody answers', async () => {
    breakWithCallRunning()
    client({ method: 'notifications/cancelled', params: { requestId: 1 } })
    await comeBack(1, 'first')
    expect(
      link(1)
        .sent.slice(2)
        .map(({ method }) => method),
    ).toEqual(['tools/call', 'notifications/cancelled'])
    server(1, { id: 1, result: {} })
    await clock.advance(60_000)
    expect(written).toEqual([])
  })

  test.each([
    ['while it ran, and noticed the break when it woke', 660_000, 660_000],
    ['after the break', 0, 660_000],
    ['and woke with its clock set back', 660_000, -60_000],
  ])('a laptop that slept %s asks for its call, and nobody begins it', async (_when, before, after) => {
    initialize()
    named(0, 'first')
    call(1)
    sleptMs = before
    breaks(0, 'the server did not answer for 10 s', 'unknown')
    sleptMs = after
    await comeBack(1, 'first')
    expect(metaOf(link(1).sent.at(-1))).toMatchObject({
      'exai/key': 'toolu_1',
      'exai/resent-to': '',
      'exai/sending': 2,
    })
    server(1, { id: 1, result: {} })
    expect(written.map(({ id, error }) => [id, error])).toEqual([[1, undefined]])
  })

  test('a call that is made after waking, on a line that died asleep, may begin at the next', async () => {
    initialize()
    named(0, 'first')
    sleptMs = 660_000
    call(1)
    breaks(0, 'the server did not answer for 10 s', 'unknown')
    await comeBack(1, 'first')
    expect(metaOf(link(1).sent.at(-1))).toMatchObject({ 'exai/resent-to': 'first' })
  })

  test('after 60 s without a server it fails, says that it may have been done, and where its answer is', async () => {
    breakWithCallRunning()
    await clock.advance(60_000)
    expect(messageOf(written[0])).toMatch(
      /could not be reached for 60 s.*may or may not have been done.*"result" gives its answer/,
    )
  })

  test('its time counts from its first sending: a line that breaks again and again renews nothing', async () => {
    breakWithCallRunning()
    sleptMs = 500_000
    await comeBack(1, 'first')
    expect(metaOf(link(1).sent.at(-1))).toMatchObject({ 'exai/resent-to': 'first' })
    breaks(1, 'gone again', 'unknown')
    sleptMs = 540_000
    await comeBack(2, 'first')
    expect(metaOf(link(2).sent.at(-1))).toMatchObject({ 'exai/resent-to': '' })
    expect(written).toEqual([])
  })

  test.each(['tools/call', 'tools/list'])('%s goes out eight times and no more', async (method) => {
    initialize()
    named(0, 'first')
    client({ id: 1, method })
    for (let index = 0; index < 9; index++) {
      breaks(index, 'gone', 'unknown')
      await comeBack(index + 1, 'first')
    }
    const sendings = links.flatMap(({ sent }) => sent.filter((message) => message.method === method))
    expect(sendings).toHaveLength(8)
    expect(written.map(({ id }) => id)).toEqual([1])
  })

  test('what changes nothing goes to any server, without a mark', async () => {
    initialize()
    named(0, 'first')
    client({ id: 1, method: 'tools/list', params: {} })
    breaks(0)
    await comeBack(1, 'second')
    expect(link(1).sent.at(-1)).toEqual({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} })
    expect(written).toEqual([])
  })

  test('what nobody knows fails at once', () => {
    initialize()
    named(0, 'first')
    client({ id: 1, method: 'tasks/start' })
    breaks(0, 'gone', 'unknown')
    expect(written.map(({ id }) => id)).toEqual([1])
  })

  test('what is too big to be kept is sent all the same, and fails when the connection breaks', () => {
    initialize()
    named(0, 'first')
    for (const id of [1, 2]) {
      client({ id, method: 'tools/call', params: { text: 'a'.repeat(3 * 1024 * 1024) } })
    }
    expect(link(0).sent).toHaveLength(2)
    breaks(0, 'gone', 'unknown')
    expect(written.map(({ id }) => id)).toEqual([2])
  })
})

test('a client that goes cancels what it has running', () => {
  initialize()
  call(1)
  bridge.end()
  expect(link(0).sent.map(({ method }) => method)).toEqual(['tools/call', 'notifications/cancelled'])
  expect(link(0).isClosed).toBe(true)
})

describe('a message that is larger than the server takes', () => {
  const ideographs = (count: number): object => ({ name: 'chat', arguments: { prompt: '漢'.repeat(count) } })

  test('is answered at once by its size in bytes, and never sent', () => {
    initialize()
    named(0, 'first', 4_096)
    client({ id: 1, method: 'tools/call', params: ideographs(1_400) })
    client({ id: 2, method: 'prompts/get', params: ideographs(1_400) })
    client({ id: 3, method: 'tools/call', params: ideographs(1_200) })
    expect(link(0).sent.map(({ id }) => id)).toEqual([3])
    expect(written.map(({ id }) => id)).toEqual([1, 2])
    for (const answer of written) {
      expect(messageOf(answer)).toMatch(
        /is 4\d\d\d bytes long.*ws:\/\/h\/ws takes at most 4096 bytes.*by its path/,
      )
    }
  })

  test('leaves room for the marks of a call that is sent again', async () => {
    initialize()
    named(0, 'first', 4_096)
    client({ id: 1, method: 'tools/call', params: ideographs(1_280) })
    client({ id: 2, method: 'tools/call', params: ideographs(1_250) })
    expect(link(0).sent.map(({ id }) => id)).toEqual([2])
    breaks(0, 'gone', 'unknown')
    await reconnect(1)
    named(1, 'first', 4_096)
    expect(Buffer.byteLength(JSON.stringify(link(1).sent.at(-1)))).toBeLessThanOrEqual(4_096)
    expect(link(1).sent.at(-1)).toMatchObject({ id: 2 })
  })

  test('without an id is dropped; in place of an answer the server gets an error', () => {
    initialize()
    named(0, 'first', 4_096)
    server(0, { id: 7, method: 'sampling/createMessage' })
    client({ id: 7, result: ideographs(2_000) })
    client({ method: 'notifications/progress', params: ideographs(2_000) })
    expect(link(0).sent).toMatchObject([{ id: 7, error: { code: -32_600 } }])
    expect(written).toHaveLength(1)
  })

  test('closes the connection of a server that had not said so: that one fails, and what else ran is taken up', async () => {
    initialize()
    named(0, 'first')
    call(1)
    client({ id: 2, method: 'tools/call', params: ideographs(2_000) })
    client({ id: 3, method: 'tools/list' })
    breaks(0, 'the connection was closed with 1009', 'refused')
    expect(written.map(({ id }) => id)).toEqual([2])
    expect(messageOf(written[0])).toMatch(
      /is 6\d\d\d bytes long.*takes less in one message: nothing of it was done/,
    )
    await reconnect(1)
    named(1, 'first')
    expect(
      link(1)
        .sent.slice(2)
        .map(({ id }) => id),
    ).toEqual([1, 3])
    expect(written).toHaveLength(1)
  })

  test('that waits for a connection is answered when the server has said what it takes', async () => {
    initialize()
    named(0, 'first')
    breaks(0)
    client({ id: 1, method: 'tools/call', params: ideographs(2_000) })
    await reconnect(1)
    named(1, 'second', 4_096)
    expect(link(1).sent.some(({ id }) => id === 1)).toBe(false)
    expect(messageOf(written[0])).toContain('takes at most 4096 bytes')
  })

  test('and than the bridge reads is answered to the id at either end of it', () => {
    initialize()
    const overlong = (head: string, tail: string): void =>
      bridge.overlong({ bytes: 9_000, head, tail }, 8_000)
    overlong('{"method":"tools/call","params":{"text":"aa', 'aa"}},"jsonrpc":"2.0","id":5}')
    overlong('{"jsonrpc":"2.0","id":"six","method":"tools/call","params":{"text":"aa', 'aa"}}}')
    overlong('{"params":["aa', 'aa"]}')
    expect(written.map(({ id }) => id)).toEqual([5, 'six', undefined])
    for (const answer of written) {
      expect(messageOf(answer)).toMatch(/is 9000 bytes long, and the bridge takes at most 8000 bytes/)
    }
    server(0, { id: 5, method: 'sampling/createMessage' })
    overlong('{"result":{"text":"aa', 'aa"},"jsonrpc":"2.0","id":5}')
    expect(link(0).sent).toMatchObject([{ id: 5, error: { code: -32_600 } }])
    expect(written).toHaveLength(4)
  })

  test('4 MiB in flight are kept, counted in bytes', () => {
    initialize()
    named(0, 'first')
    for (const id of [1, 2]) client({ id, method: 'tools/call', params: ideographs(800_000) })
    breaks(0, 'gone', 'unknown')
    expect(written.map(({ id }) => id)).toEqual([2])
    expect(messageOf(written[0])).toContain('"result" gives its answer')
  })
})

describe('what the client has set', () => {
  function set(method: string, params: object): void {
    const id = `set-${link(0).sent.length}`
    client({ id, method, params })
    server(0, { id, result: {} })
  }
  const settings = (index: number): unknown[] =>
    link(index)
      .sent.filter(({ id }) => String(id).startsWith('exai-bridge-setting'))
      .map(({ method, params }) => [method, params])
  const answerSettings = (index: number): void => {
    for (const { id } of link(index).sent) {
      if (String(id).startsWith('exai-bridge-setting')) server(index, { id, result: {} })
    }
  }

  async function comeBack(index: number): Promise<void> {
    breaks(index - 1)
    await clock.advance(5_000)
    link(index).onOpen()
    server(index, { id: `exai-bridge-initialize-${index + 1}`, result: {} })
  }

  test('is said again on the next connection, before anything that waits, and nobody hears of it', async () => {
    initialize()
    set('logging/setLevel', { level: 'debug' })
    set('logging/setLevel', { level: 'info' })
    for (const uri of ['a://1', 'a://2']) set('resources/subscribe', { uri })
    set('resources/unsubscribe', { uri: 'a://1' })
    client({ id: 'refused', method: 'resources/subscribe', params: { uri: 'a://3' } })
    server(0, { id: 'refused', error: { code: -1, message: 'no' } })
    written.length = 0
    breaks(0)
    client({ id: 9, method: 'tools/list' })
    await reconnect(1)
    expect(settings(1)).toEqual([
      ['logging/setLevel', { level: 'info' }],
      ['resources/subscribe', { uri: 'a://2' }],
    ])
    expect(link(1).sent.some(({ id }) => id === 9)).toBe(false)
    answerSettings(1)
    expect(link(1).sent.at(-1)).toMatchObject({ id: 9 })
    expect(written).toEqual([])
  })

  test('and unset by another spelling of the same resource stays unset, and is else said as the client wrote it', async () => {
    initialize()
    set('resources/subscribe', { uri: 'exai://threads/%74-1' })
    set('resources/subscribe', { uri: 'exai://threads/%74-2' })
    set('resources/subscribe', { uri: 'exai://threads/t-2' })
    set('resources/subscribe', { uri: 'exai://threads/%74-3' })
    set('resources/unsubscribe', { uri: 'exai://threads/t-1' })
    breaks(0)
    await reconnect(1)
    expect(settings(1)).toEqual([
      ['resources/subscribe', { uri: 'exai://threads/t-2' }],
      ['resources/subscribe', { uri: 'exai://threads/%74-3' }],
    ])
    server(1, { id: 'exai-bridge-setting-2-1', error: { code: -32_002, message: 'gone' } })
    server(1, { id: 'exai-bridge-setting-2-2', error: busy })
    client({ id: 22, method: 'resources/unsubscribe', params: { uri: 'exai://threads/t-3' } })
    await clock.advance(4_000)
    expect(settings(1)).toHaveLength(2)
    server(1, { id: 22, result: {} })
    await comeBack(2)
    expect(settings(2)).toEqual([])
  })

  test('comes a few at a time, and what the server will not have again is not asked for a third time', async () => {
    initialize()
    for (let index = 0; index < 20; index++) set('resources/subscribe', { uri: `a://${index}` })
    breaks(0)
    await reconnect(1)
    expect(settings(1)).toHaveLength(16)
    server(1, { id: 'exai-bridge-setting-2-1', error: { code: -32_002, message: 'gone' } })
    server(1, { id: 'exai-bridge-setting-2-2', error: { code: -32_602, message: 'nobody is told of this' } })
    answerSettings(1)
    answerSettings(1)
    expect(settings(1)).toHaveLength(20)
    expect(link(1).sent.at(-1)).toMatchObject({ method: 'notifications/initialized' })
    await comeBack(2)
    expect(settings(2)[0]).toEqual(['resources/subscribe', { uri: 'a://2' }])
  })

  const busy = { code: -32_000, message: 'busy', data: { 'exai/refusal': { retryAfterMs: 4_000 } } }

  test('and a busy server cannot take holds nobody up, and is said again after the time that the server named', async () => {
    initialize()
    set('logging/setLevel', { level: 'info' })
    set('resources/subscribe', { uri: 'a://1' })
    written.length = 0
    breaks(0)
    client({ id: 9, method: 'tools/list' })
    await reconnect(1)
    for (const number of [1, 2]) server(1, { id: `exai-bridge-setting-2-${number}`, error: busy })
    expect(link(1).sent.at(-1)).toMatchObject({ id: 9 })
    await clock.advance(3_999)
    expect(settings(1)).toHaveLength(2)
    await clock.advance(1)
    server(1, { id: 'exai-bridge-setting-2-again-1', result: {} })
    server(1, { id: 'exai-bridge-setting-2-again-2', result: {} })
    expect(settings(1).slice(2)).toEqual([
      ['logging/setLevel', { level: 'info' }],
      ['resources/subscribe', { uri: 'a://1' }],
    ])
    expect(written).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })

  test('and the server could not set, for whatever reason, is said again on the next connection', async () => {
    initialize()
    set('logging/setLevel', { level: 'info' })
    set('resources/subscribe', { uri: 'a://1' })
    breaks(0)
    await reconnect(1)
    server(1, { id: 'exai-bridge-setting-2-1', error: busy })
    server(1, { id: 'exai-bridge-setting-2-2', error: { code: -32_603, message: 'a bug' } })
    await comeBack(2)
    expect(settings(2)).toHaveLength(2)
    bridge.end()
    expect(clock.pendingTimers).toBe(0)
  })

  test('anew while the old waits to be said again is not undone by it', async () => {
    initialize()
    set('logging/setLevel', { level: 'info' })
    for (const uri of ['a://1', 'a://2', 'a://3']) set('resources/subscribe', { uri })
    breaks(0)
    await reconnect(1)
    for (const number of [1, 2, 3, 4]) server(1, { id: `exai-bridge-setting-2-${number}`, error: busy })
    client({ id: 20, method: 'logging/setLevel', params: { level: 'error' } })
    client({ id: 21, method: 'resources/unsubscribe', params: { uri: 'a://1' } })
    server(1, { id: 21, result: {} })
    client({ id: 22, method: 'resources/unsubscribe', params: { uri: 'a://2' } })
    await clock.advance(4_000)
    server(1, { id: 'exai-bridge-setting-2-again-1', result: {} })
    expect(settings(1).slice(4)).toEqual([['resources/subscribe', { uri: 'a://3' }]])
  })
})

describe('while there is no server', () => {
  test('a request waits and is sent when the server comes', async () => {
    client({ id: 0, method: 'initialize' })
    breaks(0, 'connection refused')
    await clock.advance(10_000)
    expect(written).toEqual([])
    links.at(-1)?.onOpen()
    expect(links.at(-1)?.sent.map(({ id }) => id)).toEqual([0])
  })

  test('after 60 s it gets one error with the reason and what to do', async () => {
    client({ id: 0, method: 'initialize' })
    breaks(0, 'connection refused')
    await clock.advance(59_999)
    expect(written).toEqual([])
    await clock.advance(1)
    expect(written).toHaveLength(1)
    expect(messageOf(written[0])).toMatch(/could not be reached for 60 s \(connection refused\).*exai serve/)
    links.at(-1)?.onOpen()
    expect(links.at(-1)?.sent).toEqual([])
  })

  test('it is told in progress what it waits for, where it asked for progress', () => {
    breaks(0, 'connection refused')
    const waits = { name: 'chat', _meta: { progressToken: 7 } }
    client({ id: 1, method: 'tools/call', params: waits })
    client({ id: 2, method: 'tools/call', params: { name: 'chat' } })
    client({ method: 'notifications/x', params: { _meta: { progressToken: 8 } } })
    const message = 'Waiting for the exai server at ws://h/ws: connection refused'
    expect(written.map(({ method, params }) => [method, params])).toEqual([
      ['notifications/progress', { progressToken: 7, progress: 0, message }],
    ])
  })

  test('it is told again when it waits again, and the numbers rise: a server has not begun it', async () => {
    client({ id: 1, method: 'tools/call', params: { name: 'chat', _meta: { progressToken: 7 } } })
    for (let index = 0; index < 3; index++) {
      link(index).onOpen()
      if (index > 0) named(index, `server-${index}`)
      expect(link(index).sent).toHaveLength(1)
      breaks(index, 'the server is restarting', 'drained')
      await clock.advance(5_000)
    }
    const numbers = written.map(({ params }) => (params as { progress: number }).progress)
    expect(numbers).toEqual([0, 1 / 2, 2 / 3, 3 / 4])
    expect(written.map(({ params }) => (params as { message: string }).message)).toEqual([
      'Waiting for the exai server at ws://h/ws: not connected yet',
      ...Array(3).fill('Waiting for the exai server at ws://h/ws: the server is restarting'),
    ])
  })

  test('what a server may have begun tells its own progress, and none goes back to 0', () => {
    initialize()
    named(0, 'first')
    client({ id: 1, method: 'tools/call', params: { name: 'chat', _meta: { progressToken: 7 } } })
    breaks(0, 'gone', 'unknown')
    expect(written).toEqual([])
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

  test('a message larger than all the room is told its size and what to do instead, though nothing waits', () => {
    breaks(0, 'connection refused')
    client({ id: 1, method: 'tools/call', params: { text: 'a'.repeat(4 * 1024 * 1024) } })
    expect(written.map(({ id }) => id)).toEqual([1])
    const why = messageOf(written[0])
    expect(why).toMatch(/^This message is 4194\d{3} bytes long, and the bridge,.*at most 4194304 bytes/)
    expect(why).toContain('no connection to the exai server at ws://h/ws (connection refused)')
    expect(why).toMatch(/nothing of it was done\. Name a file by its path, or upload/)
    client({ method: 'notifications/x', params: { text: 'a'.repeat(4 * 1024 * 1024) } })
    expect(written).toHaveLength(1)
    client({ id: 2, method: 'ping' })
    expect(written).toHaveLength(1)
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

describe('a server that bars the bridge', () => {
  const why = 'it answered with HTTP 401: The key that was sent has been revoked'
  const bars = (index: number): void => breaks(index, why, 'barred')

  test('has what waits answered at once, with the reason; what wants no answer waits on', async () => {
    client({ id: 0, method: 'initialize' })
    client({ id: 1, method: 'tools/list' })
    client({ method: 'notifications/roots/list_changed' })
    bars(0)
    expect(written.map(({ id }) => id)).toEqual([0, 1])
    expect(messageOf(written[0])).toBe(
      `The exai server at ws://h/ws does not let this bridge in (${why}). The bridge goes on trying: call again when that has been put right.`,
    )
    await clock.advance(45_000)
    link(1).onOpen()
    expect(link(1).sent.map(({ method }) => method)).toEqual(['notifications/roots/list_changed'])
  })

  test('is not asked by "result" for a call that was running: that is in doubt, and no more', async () => {
    initialize()
    named(0, 'first')
    call(1)
    breaks(0, 'the connection was closed with 1008', 'unknown')
    expect(written).toEqual([])
    await clock.advance(200)
    bars(1)
    expect(written.map(({ id }) => id)).toEqual([1])
    expect(messageOf(written[0])).toContain(
      `may or may not have been done, and does not let this bridge in (${why}).`,
    )
    expect(messageOf(written[0])).not.toContain('"result"')
  })

  test('is knocked at rarely, and a second after somebody waits for it; all of them have one answer', async () => {
    bars(0)
    await clock.advance(44_999)
    expect(links).toHaveLength(1)
    await clock.advance(1)
    expect(links).toHaveLength(2)
    bars(1)
    await clock.advance(10_000)
    client({ id: 1, method: 'ping' })
    await clock.advance(999)
    client({ id: 2, method: 'ping' })
    client({ method: 'notifications/x' })
    expect([links.length, written.length]).toEqual([2, 0])
    await clock.advance(1)
    expect(links).toHaveLength(3)
    client({ id: 3, method: 'ping' })
    bars(2)
    expect(written.map(({ id }) => id)).toEqual([1, 2, 3])
    client({ method: 'notifications/x' })
    await clock.advance(44_999)
    expect(links).toHaveLength(3)
    await clock.advance(1)
    expect(links).toHaveLength(4)
  })

  test('and lets it in again has its session back, with what came in the meantime', async () => {
    initialize()
    breaks(0, 'the connection was closed with 1008', 'unknown')
    await clock.advance(200)
    bars(1)
    client({ id: 5, method: 'tools/list' })
    await reconnect(2)
    expect(link(2).sent.map(({ method }) => method)).toEqual([
      'initialize',
      'notifications/initialized',
      'tools/list',
    ])
    bridge.end()
    expect(clock.pendingTimers).toBe(0)
  })
})

test('at the end nothing is left: no timer, no answer, no further attempt', async () => {
  client({ id: 1, method: 'ping' })
  breaks(0)
  client({ id: 2, method: 'ping' })
  bridge.end()
  expect(clock.pendingTimers).toBe(0)
  await clock.advance(60_000)
  expect(links).toHaveLength(1)
  expect(written).toEqual([])
})
