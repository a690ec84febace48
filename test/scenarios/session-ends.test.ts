// The token of a session that is in memory comes to its end: by its age, or because its secret is forgotten. Nothing new begins under it
// and its own stream ends; what ran already is answered. In a moment that nobody chose, nobody's paid work is thrown away.

import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { SealSecret, SealSecrets } from '../../src/lib/sealed-token.ts'
import { defineTool } from '../../src/tools/tool.ts'
import { type McpComposition, startMcpComposition, until } from '../support/mcp-composition.ts'
import { callModern, initialize, modernMeta, post, postLegacy, read } from '../support/mcp-wire.ts'

let running: number
let open: PromiseWithResolvers<void>

const gated = defineTool({
  name: 'gated',
  title: 'Gated',
  description: 'Answers when it may, and asks before if it is to.',
  input: z.strictObject({ asks: z.boolean() }),
  annotations: {},
  pace: 'long',
  async run({ asks }, context) {
    running += 1
    const schema = { type: 'object' as const, properties: {} }
    const question = { key: 'a', message: 'Well?', schema }
    const heard = asks ? (await context.elicit(question)).action : 'not asked'
    await Promise.race([
      open.promise,
      new Promise((_, reject) => context.signal.addEventListener('abort', reject)),
    ])
    return { content: [{ type: 'text', text: heard }] }
  },
})

beforeEach(() => {
  running = 0
  open = Promise.withResolvers()
})

type Serve = () => Promise<{ server: McpComposition; end: () => void }>

const byAge: Serve = async () => ({
  server: await startMcpComposition({ tools: [gated], sessions: { lifeMs: 3_000 } }),
  // It is seen by whoever comes next.
  end: () => undefined,
})

const byForgetting: Serve = async () => {
  let secret: SealSecret = { id: 1, bytes: randomBytes(32) }
  let forgotten = (): void => undefined
  const secrets: SealSecrets = {
    newest: () => secret,
    find: (id) => (id === secret.id ? secret : null),
    whenForgotten: (tell) => {
      forgotten = tell
    },
  }
  return {
    server: await startMcpComposition({ tools: [gated], sessions: { secrets } }),
    end() {
      secret = { id: 2, bytes: randomBytes(32) }
      forgotten()
    },
  }
}

describe.each([
  ['of age', byAge, 'expired'],
  ['with its secret', byForgetting, 'forgotten'],
] as const)('a token that ends %s', (_how, serve, reason) => {
  test('is unknown from then on and ends the stream of its session, and what ran is answered', async () => {
    const { server, end } = await serve()
    try {
      const { id } = await initialize(server.url, { capabilities: { elicitation: {} } })
      const headers = { accept: 'text/event-stream', 'mcp-session-id': id }
      const own = await fetch(server.url, { headers })
      const calls = [true, false].map(async (asks, at) => {
        const params = { name: 'gated', arguments: { asks } }
        const body = { jsonrpc: '2.0', id: 100 + at, method: 'tools/call', params }
        return read(await post(server.url, body, { 'mcp-session-id': id }))
      })
      await until(() => running === 2, 'both run')
      end()
      await expect
        .poll(async () => (await postLegacy(server.url, id, 'ping')).status, { timeout: 20_000 })
        .toBe(404)
      // It ends by itself.
      await own.text()
      expect((await fetch(server.url, { headers })).status).toBe(404)
      expect(server.surface.inspect()).toMatchObject({ sessions: 0, streams: 0, callsInFlight: 2 })
      expect(server.events).toContainEqual(expect.objectContaining({ type: 'session-closed', reason }))
      open.resolve()
      const texts = (await Promise.all(calls)).map(({ json }) => json.result)
      // Whoever is asked could not answer under this token any more: the question ends as that of a client who has gone.
      expect(texts).toMatchObject([{ content: [{ text: 'cancel' }] }, { content: [{ text: 'not asked' }] }])
      expect(server.surface.inspect()).toMatchObject({ sessions: 0, callsInFlight: 0 })
      const next = await initialize(server.url)
      expect((await postLegacy(server.url, next.id, 'ping')).status).toBe(200)
    } finally {
      await server.close()
    }
  })
})

test('what a stateless client carries for us from round to round is nothing, too, once its secret is forgotten', async () => {
  const { server, end } = await byForgetting()
  try {
    open.resolve()
    const can = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } }
    const params = { name: 'gated', arguments: { asks: true }, _meta: { ...modernMeta, ...can } }
    const { requestState } = (await callModern(server.url, 'tools/call', params)).json.result as {
      requestState: string
    }
    const inputResponses = { a: { action: 'accept', content: {} } }
    const next = () => callModern(server.url, 'tools/call', { ...params, requestState, inputResponses })
    expect((await next()).json.result).toMatchObject({ content: [{ text: 'accept' }] })
    end()
    expect((await next()).json.error?.message).toContain('"requestState" is not good')
  } finally {
    await server.close()
  }
})
