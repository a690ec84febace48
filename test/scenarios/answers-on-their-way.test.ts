// Answers that were given and have not left, because their reader is slow, when the port is left to another process or drained: they
// arrive whole, and only then their connection is closed. What fills the kernel before them is here, so no reader has to be slow in time.

import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { systemClock } from '../../src/lib/clock.ts'
import { defineTool } from '../../src/tools/tool.ts'
import { OpenSocket } from '../../src/transport/open-socket.ts'
import { nothingInProgress } from '../support/leftovers.ts'
import { type McpComposition, startMcpComposition, until } from '../support/mcp-composition.ts'
import { modernMeta } from '../support/mcp-wire.ts'

// More than any kernel takes for a reader that reads nothing.
const kernelBytes = 32 * 1024 * 1024
// An interim answer, which HTTP allows before any other.
const interim = 'HTTP/1.1 102 Processing\r\n\r\n'
const interims = Buffer.from(interim.repeat(Math.ceil(kernelBytes / interim.length)))

const manyTool = defineTool({
  name: 'many',
  title: 'Many',
  description: 'Answers so many letters.',
  input: z.strictObject({ letters: z.number() }),
  annotations: { readOnlyHint: true },
  pace: 'long',
  run: async ({ letters }) => ({ content: [{ type: 'text', text: '~'.repeat(letters) }] }),
})

const callOf = (letters: number): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'many', arguments: { letters }, _meta: modernMeta },
  })

let server: McpComposition
let ended = Promise.withResolvers<void>()

beforeEach(async () => {
  ended = Promise.withResolvers()
  server = await startMcpComposition({
    tools: [manyTool],
    around: (handle) => (request, response) => {
      response.socket?.write(interims)
      response.on('prefinish', () => ended.resolve())
      handle(request, response)
    },
  })
})

afterEach(async () => {
  vi.restoreAllMocks()
  await nothingInProgress(() => ({ ...server.surface.inspect(), http: server.listener.inspect() }))
  await server.close()
})

const ways = {
  'a drain': () => Promise.all([server.listener.drain(), server.surface.drain(), server.door.drain()]),
  'a release': () =>
    server.listener.release(systemClock, () =>
      Promise.all([server.surface.drain(true), server.door.drain()]),
    ),
} as const

/** What comes on one connection to its end, when it is read once the server has begun to stop. */
async function answerAcross(way: keyof typeof ways, accept: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1')
  await once(socket, 'connect')
  const body = callOf(10_000)
  socket.pause()
  socket.write(
    `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: ${accept}\r\ncontent-type: application/json\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: many\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  await ended.promise
  const stopped = ways[way]()
  // The last look at what rests comes within these.
  for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve))
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part)).on('error', () => undefined)
  socket.resume()
  await once(socket, 'close')
  await stopped
  const got = Buffer.concat(parts)
  return got.subarray(got.lastIndexOf(interim) + interim.length).toString('latin1')
}

describe.each(['a drain', 'a release'] as const)('%s', (way) => {
  test.each([
    ['one body', 'application/json', /^content-length: /im, '}'],
    ['an event stream', 'application/json, text/event-stream', /^content-type: text\/event-stream/im, '\n\n'],
  ])('%s that was given to a slow reader arrives whole', async (_what, accept, head, end) => {
    const answer = await answerAcross(way, accept)
    expect(answer).toMatch(head)
    expect(answer.match(/~/g)).toHaveLength(10_000)
    expect(
      answer
        .trimEnd()
        .replace(/\r\n0$/, '')
        .endsWith(end.trimEnd()),
    ).toBe(true)
  })

  test('a long result on a WebSocket arrives whole, and the close behind it', async () => {
    const socket = new WebSocket(server.webSocketUrl, 'mcp')
    await once(socket, 'open')
    const [message, closed] = [once(socket, 'message'), once(socket, 'close')]
    socket.pause()
    socket.send(callOf(kernelBytes))
    await until(() => server.flow.inspect().spooledBytes > 0, 'it waits for its reader')
    const stopped = ways[way]()
    for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve))
    socket.resume()
    const [data] = (await message) as [Buffer]
    expect(JSON.parse(data.toString()).result.content[0].text.length).toBe(kernelBytes)
    expect((await closed)[0]).toBe(1012)
    await stopped
  })
})

test('what was given taken for what has left is found out', async () => {
  vi.spyOn(OpenSocket.prototype, 'isResting', 'get').mockReturnValue(true)
  const answer = await answerAcross('a drain', 'application/json')
  expect(answer.match(/~/g)?.length ?? 0).toBeLessThan(10_000)
})
