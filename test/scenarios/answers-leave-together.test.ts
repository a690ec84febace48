// A short answer waits for the end of its turn, and for no long work of others in it: it has left before their message is parsed, or
// their result serialised. The turn is ended by hand, so what is told apart is the order of events, never time. Whoever works long and
// says nothing is found out.

import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import type { PromptContext, PromptOffer } from '../../src/prompts/prompt.ts'
import type { ResourceContext, ResourceOffer } from '../../src/resources/resource.ts'
import { defineTool, type Tool } from '../../src/tools/tool.ts'
import { echoTool, type McpComposition, startMcpComposition } from '../support/mcp-composition.ts'
import { modernMeta } from '../support/mcp-wire.ts'

const long = 1_000_000
const turns: (() => void)[] = []
const sockets: (Socket | WebSocket)[] = []
let server: McpComposition
/** The responses over HTTP, in the order of their requests. */
let responses: ServerResponse[] = []
/** Told by the tools that work long, once they do. */
let atWork = Promise.withResolvers<void>()
let release = Promise.withResolvers<void>()

const short = (): ServerResponse => responses[0] as ServerResponse
let hadLeft: boolean | null = null

const longInTool: Tool = defineTool({
  name: 'long_in',
  title: 'Long in',
  description: 'Is sent a lot.',
  input: z.strictObject({ text: z.string() }),
  annotations: { readOnlyHint: true },
  pace: 'instant',
  run: async () => {
    hadLeft = short().writableEnded
    atWork.resolve()
    await release.promise
    return { content: [] }
  },
})
const longOutTool: Tool = defineTool({
  name: 'long_out',
  title: 'Long out',
  description: 'Answers a lot.',
  input: z.strictObject({ text: z.string() }),
  annotations: { readOnlyHint: true },
  pace: 'instant',
  run: async () => {
    await release.promise
    atWork.resolve()
    const text = 'r'.repeat(long)
    return {
      content: [{ type: 'text', text }],
      // Read by whoever serialises it.
      get meta() {
        hadLeft ??= short().writableEnded
        return {}
      },
    }
  },
})

/** What is long, in a form that tells when it is serialised. */
async function longText(): Promise<{ text: string; readonly annotations: object }> {
  await release.promise
  atWork.resolve()
  return {
    text: 'r'.repeat(long),
    get annotations() {
      hadLeft ??= short().writableEnded
      return {}
    },
  }
}

const resources: ResourceOffer = {
  resources: [
    {
      uri: 'test://long',
      name: 'long',
      title: 'Long',
      description: 'A lot to read.',
      mimeType: 'text/plain',
      ttlMs: 0,
      async read(_context, { uri }) {
        const text = await longText()
        return [
          Object.defineProperties(
            { uri, mimeType: 'text/plain', text: '' },
            Object.getOwnPropertyDescriptors(text),
          ),
        ]
      },
    },
  ],
  contextOf: () => ({}) as ResourceContext,
}
const prompts: PromptOffer = {
  prompts: [
    {
      name: 'long',
      title: 'Long',
      description: 'A lot to say.',
      input: z.strictObject({}),
      async get() {
        const text = await longText()
        const content = { type: 'text' as const, text: '' }
        const descriptors = Object.getOwnPropertyDescriptors(text)
        return { messages: [{ role: 'user', content: Object.defineProperties(content, descriptors) }] }
      },
    },
  ],
  contextOf: () => ({}) as PromptContext,
}

async function start(isSilent: boolean): Promise<void> {
  responses = []
  hadLeft = null
  atWork = Promise.withResolvers()
  release = Promise.withResolvers()
  server = await startMcpComposition({
    tools: [echoTool, longInTool, longOutTool],
    resources,
    prompts,
    yieldTurn: (run) => turns.push(run),
    around: (handle) => (request, response) => {
      responses.push(response)
      handle(request, response)
    },
  })
  // The fault: nobody says that he is about to work long.
  if (isSilent) server.flow.batch.working = () => undefined
}

function endTurns(): void {
  while (turns.length > 0) for (const run of turns.splice(0)) run()
}

afterEach(async () => {
  release.resolve()
  for (const socket of sockets.splice(0)) socket instanceof WebSocket ? socket.terminate() : socket.destroy()
  endTurns()
  await server.close()
  turns.length = 0
})

const callOf = (name: string, text: string): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name, arguments: { text }, _meta: modernMeta },
  })

async function ask(name: string, text: string): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1')
  sockets.push(socket)
  const body = callOf(name, text)
  const head = [
    'POST /mcp HTTP/1.1',
    `host: 127.0.0.1:${server.port}`,
    'content-type: application/json',
    'accept: application/json, text/event-stream',
    'mcp-protocol-version: 2026-07-28',
    'mcp-method: tools/call',
    `mcp-name: ${name}`,
    `content-length: ${body.length}`,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  await once(socket, 'connect')
  return socket
}

const askOnWebSocket = (name: string, text: string): Promise<void> => sendOnWebSocket(callOf(name, text))

async function sendOnWebSocket(message: string): Promise<void> {
  const socket = new WebSocket(server.webSocketUrl, 'mcp')
  sockets.push(socket)
  await once(socket, 'open')
  socket.send(message)
}

// Resolves once the short answer waits for the end of its turn.
async function askShort(): Promise<Socket> {
  const socket = await ask('echo', 'short')
  while (responses.length === 0 || !short().headersSent) await new Promise((resolve) => setImmediate(resolve))
  expect(short().writableEnded).toBe(false)
  return socket
}

async function readLong(method: string, params: object): Promise<void> {
  await sendOnWebSocket(
    JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: modernMeta } }),
  )
  release.resolve()
}

const longWork: Readonly<Record<string, () => Promise<unknown>>> = {
  'a long body is parsed': () => ask('long_in', 'r'.repeat(long)),
  'a long frame is parsed': () => askOnWebSocket('long_in', 'r'.repeat(long)),
  async 'a long result is serialised'() {
    await ask('long_out', '')
    release.resolve()
  },
  'a long resource is serialised': () => readLong('resources/read', { uri: 'test://long' }),
  'a long prompt is serialised': () => readLong('prompts/get', { name: 'long' }),
}

describe.each(Object.entries(longWork))('a short answer, when %s in its turn', (_name, work) => {
  test('has left before', async () => {
    await start(false)
    const asker = await askShort()
    const heard = once(asker, 'data')
    await work()
    await atWork.promise
    expect(String((await heard)[0])).toContain('"text":"short"')
    expect(hadLeft).toBe(true)
  })

  test('would wait where nobody says so', async () => {
    await start(true)
    const asker = await askShort()
    await work()
    await atWork.promise
    while (hadLeft === null) await new Promise((resolve) => setImmediate(resolve))
    expect(hadLeft).toBe(false)
    expect(short().writableEnded).toBe(false)
    const heard = once(asker, 'data')
    endTurns()
    await heard
  })
})
