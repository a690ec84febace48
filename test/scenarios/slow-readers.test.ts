// Readers that are slow, on real sockets: what one costs the server and its neighbours, that results and questions outlive its
// pauses, and what becomes of it in the end. The credit window switched off is found out.

import { once } from 'node:events'
import { request as openRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { identify } from '../../src/principals/identify.ts'
import { Pace } from '../../src/streams/pace.ts'
import { Spool } from '../../src/streams/spool.ts'
import type { ToolResult } from '../../src/tools/tool.ts'
import { defineTool, type Tool } from '../../src/tools/tool.ts'
import { nothingInProgress } from '../support/leftovers.ts'
import { echoTool, type McpComposition, startMcpComposition, until } from '../support/mcp-composition.ts'
import { modernMeta } from '../support/mcp-wire.ts'
import { withServer } from '../support/server-fixture.ts'

const mebibyte = 1_048_576

let floodIsOver = Promise.withResolvers<void>()
let gate = Promise.withResolvers<void>()

/** Says 64 MB, a little in each turn. */
const floodTool: Tool = defineTool({
  name: 'flood',
  title: 'Flood',
  description: 'Says a lot.',
  input: z.strictObject({}),
  annotations: { readOnlyHint: true },
  pace: 'long',
  run: async (_args, { progress, signal }) => {
    for (let said = 0; said < 64 * mebibyte; said += 64 * 2_000) {
      signal.throwIfAborted()
      for (let n = 0; n < 64; n++) progress({ kind: 'working', message: 'w'.repeat(2_000) })
      await new Promise((done) => setImmediate(done))
    }
    floodIsOver.resolve()
    await gate.promise
    return { content: [{ type: 'text', text: 'said' }] }
  },
})

/** Answers so many bytes, of more than one byte a character, once the gate is open. */
const bulkTool: Tool = defineTool({
  name: 'bulk',
  title: 'Bulk',
  description: 'Answers a lot.',
  input: z.strictObject({ chars: z.number(), isGated: z.boolean().optional() }),
  annotations: { readOnlyHint: true },
  pace: 'long',
  run: async ({ chars, isGated }) => {
    if (isGated) await gate.promise
    return { content: [{ type: 'text', text: bulkText(chars) }] }
  },
})

function bulkText(chars: number): string {
  let text = ''
  for (let n = 0; text.length < chars; n++) text += `${n} 四ü🎉 `
  return text
}

let server: McpComposition
const sockets: (Socket | WebSocket)[] = []

async function start(slowReaderMs = 120_000): Promise<void> {
  floodIsOver = Promise.withResolvers()
  gate = Promise.withResolvers()
  server = await startMcpComposition({
    tools: [floodTool, bulkTool, echoTool],
    slowReaderMs,
  })
}

afterEach(async () => {
  vi.restoreAllMocks()
  gate.resolve()
  for (const socket of sockets.splice(0)) socket instanceof WebSocket ? socket.terminate() : socket.destroy()
  await nothingInProgress(() => ({ ...server.surface.inspect(), http: server.listener.inspect() }))
  expect(server.flow.inspect()).toMatchObject({ behind: 0, spooledBytes: 0 })
  await server.close()
})

function callOf(id: number, name: string, args: object): string {
  const params = { name, arguments: args, _meta: { ...modernMeta, progressToken: id } }
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })
}

/** Nobody reads it; it is known again when it comes back. */
const client = 'client-that-rests'
const identity = identify({ clientHeader: client, isLoopback: true })

/** The texts of the results that wait for it, oldest first. */
function kept(): (string | undefined)[] {
  const waiting = server.late.list(identity).filter(({ state }) => state !== 'running')
  return waiting.map(({ callId }) => textOf(server.late.claim(identity, callId)))
}

/** The calls that it is told still run. */
function running(): readonly string[] {
  const facts = server.late.list(identity).filter(({ state }) => state === 'running')
  return facts.map(({ tool }) => tool)
}

function textOf(result: ToolResult | null): string | undefined {
  const [content] = result?.content ?? []
  return content?.type === 'text' ? content.text : undefined
}

/** A POST on a socket of its own that nobody reads until it is resumed. */
async function silentPost(name: string, args: object, port = server.port): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.pause()
  const body = callOf(1, name, args)
  socket.write(
    `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nx-exai-client: ${client}\r\naccept: application/json, text/event-stream\r\ncontent-type: application/json\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: ${name}\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  return socket
}

async function openSocket(headers: Record<string, string> = { 'x-exai-client': client }): Promise<WebSocket> {
  const socket = new WebSocket(server.webSocketUrl, 'mcp', { headers })
  sockets.push(socket)
  socket.on('error', () => undefined)
  await once(socket, 'open')
  return socket
}

/** Reads a little, rests a little, until the other side ends. */
async function readInPauses(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = []
  let left = 0
  socket.on('data', (piece: Buffer) => {
    pieces.push(piece)
    left -= piece.length
    if (left > 0) return
    socket.pause()
    left = (pieces.length * 7_919) % 200_000
    setImmediate(() => socket.resume())
  })
  socket.resume()
  await once(socket, 'end')
  return Buffer.concat(pieces)
}

function get(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { port: server.port, host: '127.0.0.1', path, method: 'PUT', agent: false }
    openRequest(options, (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)))
      .on('error', reject)
      .end()
  })
}

async function floodSilently(): Promise<number> {
  await start()
  await silentPost('flood', {})
  await floodIsOver.promise
  return server.flow.inspect().spooledBytes
}

/** Asks for far more than it ever reads; answers what waits for it with us. */
async function askSilently(): Promise<number> {
  await start()
  const socket = await openSocket()
  socket.pause()
  let most = 0
  for (let id = 1; id <= 1_600; id++) {
    socket.send(callOf(id, 'bulk', { chars: 15_000 }))
    // Eight are answered, as far as they are still heard, before more is asked.
    if (id % 8 !== 0) continue
    await get('/mcp')
    most = Math.max(most, server.flow.inspect().spooledBytes)
  }
  return most
}

describe('S1', () => {
  test('a tool that says 64 MB to a reader that takes nothing costs less than 1 MiB', async () => {
    expect(await floodSilently()).toBeLessThan(mebibyte)
  })

  test('a connection with too much unread is asked nothing new', async () => {
    expect(await askSilently()).toBeLessThan(mebibyte)
  })

  test('with the credit window off both are found out', async () => {
    vi.spyOn(Spool.prototype, 'isClear', 'get').mockReturnValue(true)
    vi.spyOn(Pace.prototype, 'take').mockReturnValue(0)
    const flooded = await floodSilently()
    gate.resolve()
    for (const socket of sockets.splice(0))
      socket instanceof WebSocket ? socket.terminate() : socket.destroy()
    await server.close()
    console.log(`sabotage: with the credit window off ${Math.round(flooded / 1e6)} MB wait for one reader`)
    expect(flooded).toBeGreaterThan(8 * mebibyte)
    const asked = await askSilently()
    console.log(`sabotage: and ${Math.round(asked / 1e6)} MB on a connection that only asks`)
    expect(asked).toBeGreaterThan(8 * mebibyte)
  })
})

describe('S3', () => {
  test.each([10, 16_000, 70_000, 3_000_000])(
    'a result of %d characters arrives whole over HTTP, however its reader pauses',
    async (chars) => {
      await start()
      const socket = await silentPost('bulk', { chars })
      const answer = await readInPauses(socket)
      const whole = bodyOf(answer)
      const event = whole.split('\n\n').findLast((each) => each.startsWith('data: '))
      const message = JSON.parse(event?.slice(6) ?? '{}')
      expect(message.result.content[0].text === bulkText(chars)).toBe(true)
    },
  )

  test('results on one WebSocket arrive whole, once, however it pauses', async () => {
    await start()
    const socket = await openSocket()
    const got = new Map<number, string>()
    socket.on('message', (data: Buffer) => {
      const { id, result } = JSON.parse(data.toString('utf8'))
      if (id === undefined) return
      expect(got.has(id)).toBe(false)
      got.set(id, result.content[0].text)
      socket.pause()
      setImmediate(() => socket.resume())
    })
    socket.pause()
    for (let id = 1; id <= 12; id++) socket.send(callOf(id, 'bulk', { chars: id * 60_000 }))
    await get('/mcp')
    socket.resume()
    await until(() => got.size === 12, 'all twelve arrive')
    for (const [id, text] of got) expect(text === bulkText(id * 60_000)).toBe(true)
  })
})

describe('S4', () => {
  test('a slot goes back and its call ends, though nobody reads a byte of it', async () => {
    await start()
    await withServer({ yaml: 'providers: { glm: { concurrency: 1 }, kimi: false }' }, async (fixture) => {
      const silent = await silentPost('chat', { prompt: 'Say why names matter.' }, fixture.port)
      const reading = await fixture.window('modern', 'window-reading')
      expect(await reading.ask('chat', { prompt: 'And why order does.' })).not.toBeNull()
      await until(() => fixture.inspect().calls.finished === 2, 'both have ended')
      const { inFlight, failed, refused } = fixture.inspect().calls
      expect({ inFlight, failed, refused }).toEqual({ inFlight: 0, failed: {}, refused: {} })
      expect(Object.values(fixture.inspect().groups).map(({ held }) => held)).toEqual([0])
      silent.destroy()
    })
  })
})

describe('a reader that takes nothing', () => {
  test('loses its stream over HTTP after slowReaderMs, and its result is kept', async () => {
    await start(1_000)
    const socket = await silentPost('bulk', { chars: 12_000_000 })
    await until(() => server.events.some(({ type }) => type === 'reader-lost'), 'it is given up')
    expect(kept()).toHaveLength(1)
    expect(kept()[0] === bulkText(12_000_000)).toBe(true)
    expect(server.flow.inspect()).toMatchObject({ behind: 0, lost: 1 })
    socket.destroy()
  })

  test('loses its WebSocket, and what it had asked goes on and is kept, in order', async () => {
    await start(1_000)
    const socket = await openSocket()
    socket.pause()
    socket.send(callOf(1, 'bulk', { chars: 12_000_000 }))
    socket.send(callOf(2, 'bulk', { chars: 1_000, isGated: true }))
    await until(() => server.events.some(({ type }) => type === 'reader-lost'), 'it is given up')
    expect(kept()).toHaveLength(1)
    const late = { running: 1, results: 1 }
    expect(server.surface.inspect()).toMatchObject({ connections: 0, callsInFlight: 1, late })
    expect(running()).toEqual(['bulk'])
    gate.resolve()
    await until(() => kept().length === 2, 'the other is kept as well')
    expect(running()).toEqual([])
    expect(kept()[0] === bulkText(12_000_000)).toBe(true)
    expect(kept()[1]).toBe(bulkText(1_000))
  })

  test('is left alone while it takes a little now and then', async () => {
    await start(1_000)
    const chars = 6_000_000
    const socket = await silentPost('bulk', { chars })
    let read = 0
    let next: ReturnType<typeof setTimeout> | undefined
    socket.on('data', (piece: Buffer) => {
      read += piece.length
      if (read % 12 !== 0) return
      socket.pause()
      next = setTimeout(() => socket.resume(), 20)
    })
    socket.resume()
    await once(socket, 'end')
    clearTimeout(next)
    expect(read).toBeGreaterThan(Buffer.byteLength(bulkText(chars)))
    expect(kept()).toEqual([])
  })
})

describe('a reader with more than 16 MiB to read on one WebSocket', () => {
  const chars = 1_000_000
  const calls = 20

  /** Asks for more than it can be sent at once, and reads only when all of it is answered; tells what it got. */
  async function askForMuch(
    headers: Record<string, string>,
  ): Promise<{ got: Map<number, { text: string; why: string }>; spooledBytes: number }> {
    await start()
    const socket = await openSocket(headers)
    const got = new Map<number, { text: string; why: string }>()
    let closed = false
    socket.on('close', () => {
      closed = true
    })
    socket.on('message', (data: Buffer) => {
      const { id, result, error } = JSON.parse(data.toString('utf8'))
      if (id === undefined) return
      expect(got.has(id)).toBe(false)
      got.set(id, { text: result?.content[0].text ?? '', why: error?.message ?? '' })
    })
    for (let id = 1; id <= calls; id++) socket.send(callOf(id, 'bulk', { chars, isGated: true }))
    await until(() => server.surface.inspect().callsInFlight === calls, 'all of it is asked')
    socket.pause()
    gate.resolve()
    await until(() => server.surface.inspect().callsInFlight === 0, 'all of it is answered')
    const { spooledBytes } = server.flow.inspect()
    socket.resume()
    await until(() => got.size === calls || closed, 'it has read what there is')
    return { got, spooledBytes }
  }

  test('keeps its connection, and what has no room there waits for it', async () => {
    const { got, spooledBytes } = await askForMuch({ 'x-exai-client': client })
    expect(spooledBytes).toBeLessThan(18 * mebibyte)
    expect(server.flow.inspect().lost).toBe(0)
    expect(server.events.filter(({ type }) => type === 'reader-lost')).toEqual([])
    const text = bulkText(chars)
    const elsewhere = [...got.values()].filter((each) => each.text !== text)
    expect(got.size).toBe(calls)
    expect(elsewhere.length).toBeGreaterThan(0)
    expect(elsewhere.length).toBeLessThan(calls / 2)
    for (const { why } of elsewhere) {
      const [, callId = ''] = /the tool "result" and call_id "([^"]+)"/.exec(why) ?? []
      expect(textOf(server.late.claim(identity, callId)) === text).toBe(true)
    }
  })

  test('is told to ask again where nothing can be kept for it, and keeps its connection', async () => {
    const { got } = await askForMuch({})
    expect(got.size).toBe(calls)
    expect(server.flow.inspect().lost).toBe(0)
    const elsewhere = [...got.values()].filter(({ why }) => why !== '')
    expect(elsewhere.length).toBeGreaterThan(0)
    for (const { why } of elsewhere) expect(why).toMatch(/could not be kept: make the request again/)
  })

  test('a build that knows of no room is found out', async () => {
    vi.spyOn(Spool.prototype, 'hasRoom', 'get').mockReturnValue(true)
    const { spooledBytes } = await askForMuch({ 'x-exai-client': client })
    expect(spooledBytes).toBeGreaterThan(20 * mebibyte)
  })
})

function bodyOf(answer: Buffer): string {
  const start = answer.indexOf('\r\n\r\n') + 4
  const length = /^content-length: (\d+)/im.exec(answer.subarray(0, start).toString('latin1'))?.[1]
  const body = answer.subarray(start)
  if (length === undefined) return unchunked(body)
  expect(body.length).toBe(Number(length))
  return body.toString('utf8')
}

function unchunked(bytes: Buffer): string {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.subarray(at, end).toString(), 16)
    parts.push(bytes.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
  return Buffer.concat(parts).toString('utf8')
}
