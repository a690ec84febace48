// A reader over HTTP that takes nothing loses its stream, and its call goes on: the client is told so meanwhile, and finds the answer
// afterwards. What was asked of it on that stream ends, where nobody can come back to it.

import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { identityOf } from '../../src/domain/identity-of.ts'
import { LiveCall } from '../../src/surfaces/mcp/live-calls.ts'
import { defineTool } from '../../src/tools/tool.ts'
import { type McpComposition, startMcpComposition, until } from '../support/mcp-composition.ts'
import { initialize } from '../support/mcp-wire.ts'

const client = 'client-that-rests'
const identity = identityOf('local', client)
// More than the kernel holds for one connection.
const long = 'w'.repeat(12_000_000)

let server: McpComposition
let gate = Promise.withResolvers<void>()

const ask = defineTool({
  name: 'ask',
  title: 'Ask',
  description: 'Asks a lot, and ends once the gate is open.',
  input: z.strictObject({}),
  annotations: {},
  pace: 'long',
  async run(_args, context) {
    const schema = { type: 'object' as const, properties: {} }
    const asked = context.elicit({ key: 'long', message: long, schema })
    const answer = await Promise.race([asked, gate.promise])
    await gate.promise
    return { content: [{ type: 'text', text: answer?.action === 'cancel' ? 'unreached' : 'open' }] }
  },
})

beforeEach(async () => {
  gate = Promise.withResolvers()
  server = await startMcpComposition({ tools: [ask], slowReaderMs: 500 })
})
afterEach(async () => {
  vi.restoreAllMocks()
  gate.resolve()
  await until(() => server.calls.inFlight === 0, 'no call is left')
  await server.close()
})

/** Calls in a session of that revision, and reads nothing; in the one that has lists of messages the call stands in a list. */
async function loseReader(version: string): Promise<void> {
  const capabilities = { elicitation: {} }
  const headers = { 'x-exai-client': client }
  const { id } = await initialize(server.url, { version, capabilities, headers })
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ask', arguments: {} } }
  const body = JSON.stringify(version === '2025-03-26' ? [message] : message)
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.pause()
  socket.write(
    `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\nx-exai-client: ${client}\r\nmcp-session-id: ${id}\r\naccept: application/json, text/event-stream\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  await until(() => server.events.some(({ type }) => type === 'reader-lost'), 'it is given up')
  socket.destroy()
}

const states = (): readonly string[] => server.late.list(identity).map(({ state }) => state)

test.each([
  // Whoever can come back to the stream finds the question there.
  ['2025-11-25', 'open'],
  ['2025-06-18', 'unreached'],
  ['2025-03-26', 'unreached'],
])('a client of %s is told that its call runs, and then finds its answer', async (version, said) => {
  await loseReader(version)
  expect(states()).toEqual(['running'])
  expect(server.surface.inspect().late).toMatchObject({ running: 1, results: 0 })
  gate.resolve()
  await until(() => states()[0] === 'waiting', 'its answer is kept')
  const [fact] = server.late.list(identity)
  expect(server.late.claim(identity, fact?.callId ?? '')?.content).toEqual([{ type: 'text', text: said }])
  expect(server.surface.inspect().late).toMatchObject({ running: 0, results: 1 })
})

test('the check can fail: a build that does not notice tells its client nothing', async () => {
  vi.spyOn(LiveCall.prototype, 'readerGone').mockReturnValue()
  await loseReader('2025-06-18')
  expect(states()).toEqual([])
})
