// Questions of 2026-07-28 that nobody was there to hear: a question is an answer of its own kind, and whoever claims it later could
// not answer it. It says so, and calling for it harms nobody. Each proof has a sabotaged twin.

import { once } from 'node:events'
import { afterEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { LateAnswers } from '../../src/surfaces/mcp/features/late-answers.ts'
import { LiveCall } from '../../src/surfaces/mcp/live-calls.ts'
import { defineTool, type ToolResult } from '../../src/tools/tool.ts'
import { until } from '../support/mcp-composition.ts'
import { modernMeta } from '../support/mcp-wire.ts'
import { type ServerFixture, withServer } from '../support/server-fixture.ts'

const name = 'window-of-the-test'
const _meta = { ...modernMeta, 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } }
const unheard = 'asked its client a question, and its client was not there to hear it. Call again'

let gate = Promise.withResolvers<void>()

const ask = defineTool({
  name: 'ask',
  title: 'Ask',
  description: 'Asks for a name, once the gate is open.',
  input: z.strictObject({ what: z.string() }),
  annotations: {},
  pace: 'long',
  async run(_args, context) {
    await gate.promise
    const schema = { type: 'object' as const, properties: { name: { type: 'string' as const } } }
    const { action } = await context.elicit({ key: 'name', message: 'What is your name?', schema })
    return { content: [{ type: 'text', text: action }] }
  },
})

const bulk = defineTool({
  name: 'bulk',
  title: 'Bulk',
  description: 'Answers a lot.',
  input: z.strictObject({}),
  annotations: {},
  pace: 'instant',
  run: async () => ({ content: [{ type: 'text', text: 'b'.repeat(24_000_000) }] }),
})

interface Counts {
  readonly mcp: { readonly late: { readonly running: number; readonly results: number } }
  readonly readers: { readonly behind: number }
}
const countsOf = (server: ServerFixture): Counts => server.inspect() as unknown as Counts

afterEach(() => {
  vi.restoreAllMocks()
  gate.resolve()
})

async function open(server: ServerFixture): Promise<WebSocket> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, 'mcp', {
    headers: { 'x-exai-client': name },
  })
  socket.on('error', () => undefined)
  await once(socket, 'open')
  return socket
}

const send = (socket: WebSocket, id: number, tool: string, args: object): void =>
  socket.send(
    JSON.stringify({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: tool, arguments: args, _meta },
    }),
  )

/** What the same window is told of its one call by `result`: in its list, and when it claims. */
async function check(server: ServerFixture): Promise<void> {
  const window = await server.window('modern', name)
  const { text } = await window.ask('result', {})
  expect(text).toMatch(/ask "\w+", failed/)
  const [callId] = /c-[\w-]+-[0-9a-z]+/.exec(text) ?? []
  const claimed = await window.ask('result', { call_id: callId })
  expect(claimed).toMatchObject({ isError: true, text: expect.stringContaining(unheard) })
}

/** A call asks when its client has left already. */
async function askNobody(server: ServerFixture): Promise<void> {
  gate = Promise.withResolvers()
  const socket = await open(server)
  send(socket, 1, 'ask', { what: 'left' })
  await until(() => server.inspect().calls.inFlight === 1, 'the call has begun')
  socket.terminate()
  await until(() => countsOf(server).mcp.late.running === 1, 'it runs on')
  gate.resolve()
  await until(() => server.inspect().calls.inFlight === 0, 'it has ended')
}

/** A call asks a client that reads nothing any more, and then leaves. */
async function askUnread(server: ServerFixture): Promise<void> {
  gate = Promise.withResolvers()
  const socket = await open(server)
  send(socket, 1, 'ask', { what: 'unread' })
  await until(() => server.inspect().calls.inFlight === 1, 'the call has begun')
  socket.pause()
  send(socket, 2, 'bulk', {})
  await until(() => server.inspect().calls.finished === 1, 'there is more than its connection holds')
  gate.resolve()
  await until(() => server.inspect().calls.inFlight === 0, 'it has ended')
  socket.terminate()
  await until(() => countsOf(server).readers.behind === 0, 'its reader is gone')
}

const cases = [
  ['a client that has left', askNobody],
  ['a client that reads nothing', askUnread],
] as const

for (const [what, lose] of cases) {
  test(`a question to ${what} is claimed as a call to make again`, async () => {
    await withServer({ extraTools: [ask, bulk] }, async (server) => {
      await lose(server)
      await check(server)
    })
  })

  test(`the check can fail: a server that drops the question to ${what} is found out`, async () => {
    vi.spyOn(LateAnswers.prototype, 'lost').mockReturnValue(false)
    await withServer({ extraTools: [ask, bulk] }, async (server) => {
      await lose(server)
      await expect(check(server)).rejects.toThrow()
    })
  })
}

test('a slip of ours in what follows a call costs that call its answer, and nobody else anything', async () => {
  await withServer({ extraTools: [ask, bulk] }, async (server) => {
    vi.spyOn(LateAnswers.prototype, 'claim').mockReturnValue({} as ToolResult)
    const window = await server.window('modern', name)
    expect(await window.ask('result', { call_id: 'c-1' })).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^Internal error/),
    })
    expect(server.log()).toContain('TypeError')
    vi.restoreAllMocks()
    expect((await window.ask('result', {})).text).toMatch(/^No result waits/)
  })
})

test('a slip of ours in a message that needs no answer costs its connection nothing', async () => {
  gate = Promise.withResolvers()
  await withServer({ extraTools: [ask, bulk] }, async (server) => {
    const socket = await open(server)
    send(socket, 1, 'ask', { what: 'cancelled' })
    await until(() => server.inspect().calls.inFlight === 1, 'the call has begun')
    vi.spyOn(LiveCall.prototype, 'cancel').mockImplementationOnce(() => {
      throw new Error('a planted slip')
    })
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }
    socket.send(JSON.stringify(cancelled))
    await until(() => server.log().includes('a planted slip'), 'it is told')
    const heard = once(socket, 'message')
    gate.resolve()
    expect(String((await heard)[0])).toContain('input_required')
    socket.terminate()
  })
})
