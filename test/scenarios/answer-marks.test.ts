// The mark of a call that was at a vendor stays until its answer is with the kernel, or will never be: whoever is killed between, or ends,
// would let the call be made, and paid, again. A short answer's turn is ended by hand, and whoever is sent a long one does not read: what is told
// apart is the order of events, never time.

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { VendorMarks } from '../../src/calls/vendor-marks.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { HttpExchange } from '../../src/surfaces/mcp/http-exchange.ts'
import { defineTool, type Tool } from '../../src/tools/tool.ts'
import { nothingInProgress } from '../support/leftovers.ts'
import { type McpComposition, startMcpComposition, until } from '../support/mcp-composition.ts'
import { initialize, modernMeta } from '../support/mcp-wire.ts'

// More than the kernel takes for a reader that does not read.
const longChars = 24_000_000
const shortChars = 10

let answered = 0
let gate = Promise.withResolvers<void>()
const vendorTool: Tool = defineTool({
  name: 'vendor',
  title: 'Vendor',
  description: 'Goes to a vendor.',
  input: z.strictObject({ chars: z.number(), isGated: z.boolean().optional() }),
  annotations: { readOnlyHint: true },
  pace: 'long',
  run: async ({ chars, isGated }, { progress }) => {
    progress({ kind: 'started', provider: 'glm', model: 'glm-5.2', attempt: 1 })
    if (isGated === true) await gate.promise
    answered += 1
    return { content: [{ type: 'text', text: 'r'.repeat(chars) }] }
  },
})

const turns: (() => void)[] = []
const sockets: (Socket | WebSocket)[] = []
let server: McpComposition
let marks: VendorMarks
let folder = ''

function openMarks(pid: number): Promise<VendorMarks> {
  return VendorMarks.open({
    folder,
    clock: systemClock,
    pid,
    birth: null,
    isAlive: () => false,
    onFault(error) {
      throw error
    },
  })
}

async function start(slowReaderMs: number, isByHand = false): Promise<void> {
  answered = 0
  gate = Promise.withResolvers()
  folder = mkdtempSync(join(tmpdir(), 'exai-marks-'))
  marks = await openMarks(process.pid)
  server = await startMcpComposition({
    tools: [vendorTool],
    slowReaderMs,
    sessions: { marks },
    ...(isByHand ? { yieldTurn: (run: () => void) => turns.push(run) } : {}),
  })
}

function endTurns(): void {
  while (turns.length > 0) for (const run of turns.splice(0)) run()
}

const marked = (): number => marks.inspect().marked
const isFreed = (): Promise<void> => until(() => marked() === 0, 'the mark is freed')

afterEach(async () => {
  vi.restoreAllMocks()
  gate.resolve()
  for (const socket of sockets.splice(0)) socket instanceof WebSocket ? socket.terminate() : socket.destroy()
  endTurns()
  // Whoever opened a session keeps its connection for another request.
  const own = { 'http.connections': 1 }
  await nothingInProgress(() => ({ ...server.surface.inspect(), http: server.listener.inspect() }), own)
  expect(marked()).toBe(0)
  await server.close()
  await marks.destroy()
  rmSync(folder, { recursive: true, force: true })
})

/** How many of the answer's characters have come, and what may be done to its reader. */
interface Reader {
  readonly chars: () => number
  read(): void
  leave(): void
}

interface HttpReader extends Reader {
  readonly socket: Socket
}

interface SocketReader extends Reader {
  readonly socket: WebSocket
}

const both = 'application/json, text/event-stream'

const named = (meta: object, chars: number, isGated: boolean, id = 1): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: {
      name: 'vendor',
      arguments: { chars, isGated },
      _meta: { ...meta, 'claudecode/toolUseId': `toolu_${id}` },
    },
  })

async function open(headers: Readonly<Record<string, string>>, body?: string): Promise<HttpReader> {
  const socket = connect(server.port, '127.0.0.1')
  sockets.push(socket)
  await once(socket, 'connect')
  let chars = 0
  const ofBody = { 'content-type': 'application/json', 'content-length': String(body?.length) }
  const all = { host: '127.0.0.1', ...(body === undefined ? {} : ofBody), ...headers }
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`${body === undefined ? 'GET' : 'POST'} /mcp HTTP/1.1\r\n${head.join('')}\r\n${body ?? ''}`)
  return {
    chars: () => chars,
    read: () =>
      socket.on('data', (data) => {
        chars += data.length
      }),
    leave: () => socket.destroy(),
    socket,
  }
}

const post = (headers: Readonly<Record<string, string>>, body: string): Promise<HttpReader> =>
  open(headers, body)

const postModern = (accept: string, chars: number, isGated: boolean): Promise<Reader> =>
  post(
    { accept, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'vendor' },
    named(modernMeta, chars, isGated),
  )

async function postList(accept: string, chars: number, isGated: boolean): Promise<Reader> {
  const { id } = await initialize(server.url, { version: '2025-03-26' })
  return post({ accept, 'mcp-session-id': id }, `[${named({}, chars, isGated)}]`)
}

async function overWebSocket(chars: number, isGated: boolean, meta: object = {}): Promise<SocketReader> {
  const headers = { 'x-exai-client': 'w-1234567890abcdef' }
  const socket = new WebSocket(server.webSocketUrl, 'mcp', { maxPayload: 2 * longChars, headers })
  sockets.push(socket)
  await once(socket, 'open')
  socket.pause()
  socket.send(named({ ...modernMeta, ...meta }, chars, isGated))
  let got = 0
  socket.on('message', (data: Buffer) => {
    got += data.length
  })
  return { chars: () => got, read: () => socket.resume(), leave: () => socket.terminate(), socket }
}

/** A call on the event stream of a session, which can be taken up again. */
async function postInSession(chars: number): Promise<Reader & { takeUp(): Promise<HttpReader> }> {
  const { id } = await initialize(server.url)
  const session = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' }
  const reader = await post({ accept: both, ...session }, named({}, chars, true))
  const [primed] = (await once(reader.socket, 'data')) as [Buffer]
  const lastEventId = /id: (\S+)/.exec(String(primed))?.[1] ?? ''
  return {
    ...reader,
    async takeUp() {
      const next = await open({ accept: 'text/event-stream', ...session, 'last-event-id': lastEventId })
      // Its head.
      await once(next.socket, 'data')
      next.socket.pause()
      return next
    },
  }
}

type Ask = (chars: number, isGated: boolean) => Promise<Reader>

const doors: readonly (readonly [string, Ask])[] = [
  ['one JSON body', (chars, isGated) => postModern('application/json', chars, isGated)],
  ['an event stream', (chars, isGated) => postModern(both, chars, isGated)],
  ['a frame', (chars, isGated) => overWebSocket(chars, isGated)],
  ['a list', (chars, isGated) => postList('application/json', chars, isGated)],
  ['a list on an event stream', (chars, isGated) => postList(both, chars, isGated)],
]

// What is left to do when a call has ended is done within some turns.
async function afterTurns(): Promise<void> {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
}

/** Plays a short answer's way with the turn held; answers whether the mark was still there at the end of it. */
async function outlivesTurn(ask: Ask): Promise<boolean> {
  await start(120_000, true)
  const reader = await ask(shortChars, false)
  reader.read()
  while (answered === 0 || turns.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await afterTurns()
  const isMarked = marked() === 1
  expect(reader.chars()).toBe(0)
  endTurns()
  await isFreed()
  await until(() => reader.chars() > shortChars, 'the answer has come')
  return isMarked
}

/** Asks for a long answer and does not read it; answers once it is on its way. */
async function askLong(ask: Ask, slowReaderMs = 120_000): Promise<Reader> {
  await start(slowReaderMs)
  const reader = await ask(longChars, false)
  await until(
    () => server.flow.inspect().spooledBytes > 0 || server.flow.inspect().lost > 0,
    'it is on its way',
  )
  await afterTurns()
  return reader
}

describe.each(doors)('the mark of a call whose answer goes out as %s', (_name, ask) => {
  test('is there until the end of the turn in which it was said', async () => {
    expect(await outlivesTurn(ask)).toBe(true)
  })

  test('is there as long as a long one is not read, and is freed when it is', async () => {
    const reader = await askLong(ask)
    expect(marked()).toBe(1)
    reader.read()
    await until(() => reader.chars() > longChars, 'the answer has come')
    await isFreed()
  })

  test('is left to the next process when the server ends before a long one has left', async () => {
    await askLong(ask)
    server.surface.destroy()
    server.door.destroy()
    await server.listener.destroy()
    await afterTurns()
    expect(marked()).toBe(0)
    const next = await openMarks(process.pid + 1)
    expect(next.wasCut('local', 'toolu_1')).toBe(true)
    await next.destroy()
  })

  test('is freed when its reader goes', async () => {
    const reader = await askLong(ask)
    expect(marked()).toBe(1)
    reader.leave()
    await isFreed()
  })

  test('is freed when its reader is given up', async () => {
    await askLong(ask, 300)
    await until(() => server.flow.inspect().lost === 1, 'its reader is given up')
    await isFreed()
  })

  test('is freed when its reader has gone before', async () => {
    await start(120_000)
    const reader = await ask(shortChars, true)
    await until(() => marked() === 1, 'the call is at its vendor')
    reader.leave()
    await until(() => {
      const { inFlight, connections } = server.listener.inspect()
      return inFlight === 0 && connections <= 1
    }, 'its connection is closed')
    gate.resolve()
    await isFreed()
  })
})

describe('the mark of a call that may change its connection', () => {
  const keyed = { 'exai/key': 'a key' }

  test('is there as long as a long answer is not read, and is freed when it is', async () => {
    const reader = await askLong((chars, isGated) => overWebSocket(chars, isGated, keyed))
    expect(marked()).toBe(1)
    reader.read()
    await isFreed()
  })

  test('is freed when its answer is kept for whoever comes back', async () => {
    await start(120_000)
    const reader = await overWebSocket(shortChars, true, keyed)
    await until(() => marked() === 1, 'the call is at its vendor')
    reader.leave()
    await until(() => server.door.inspect().connections === 0, 'its connection is closed')
    expect(marked()).toBe(1)
    gate.resolve()
    await isFreed()
  })

  test('is freed when its answer is kept on its event stream', async () => {
    await start(120_000)
    const reader = await postInSession(shortChars)
    reader.leave()
    await until(() => server.listener.inspect().inFlight === 0, 'its connection is closed')
    expect(marked()).toBe(1)
    gate.resolve()
    await isFreed()
  })

  test('is freed when its answer has left on the connection that took the stream up again', async () => {
    await start(120_000)
    const reader = await postInSession(longChars)
    reader.leave()
    await until(() => server.listener.inspect().inFlight === 0, 'its connection is closed')
    const next = await reader.takeUp()
    gate.resolve()
    await until(() => server.flow.inspect().spooledBytes > 0, 'it is on its way')
    await afterTurns()
    expect(marked()).toBe(1)
    next.read()
    next.socket.resume()
    await isFreed()
  })

  test('is freed when that connection is gone as well', async () => {
    await start(120_000)
    const reader = await postInSession(shortChars)
    reader.leave()
    const next = await reader.takeUp()
    next.leave()
    await until(() => server.listener.inspect().inFlight === 0, 'its connection is closed')
    expect(marked()).toBe(1)
    gate.resolve()
    await isFreed()
  })
})

test('the mark of a call whose answer is set aside is freed', async () => {
  await start(120_000)
  // Both are asked before the window closes.
  const reader = await overWebSocket(longChars, true)
  reader.socket.send(named(modernMeta, longChars, true, 2))
  await until(() => marked() === 2, 'both are at their vendor')
  gate.resolve()
  await until(() => answered === 2 && server.flow.inspect().spooledBytes > 0, 'one is on its way')
  await afterTurns()
  expect(marked()).toBe(1)
  reader.read()
  await isFreed()
})

test('an exchange that says at once that its answer has left is found out', async () => {
  // The fault: as if the call were over with it.
  const { finish } = HttpExchange.prototype
  vi.spyOn(HttpExchange.prototype, 'finish').mockImplementation(function (
    this: HttpExchange,
    json,
    status,
    id,
  ) {
    finish.call(this, json, status, id)
    this.work?.answerLeft?.()
  })
  expect(await outlivesTurn((chars) => postModern(both, chars, false))).toBe(false)
})
