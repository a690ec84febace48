// What a call asks of its client belongs to the call's trace, in both eras: the client's own work for us is found in it. A build
// that asks outside of the trace is found out.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { OpenQuestions } from '../../src/surfaces/mcp/legacy/open-questions.ts'
import { defineTool } from '../../src/tools/tool.ts'
import { type McpComposition, startMcpComposition, until } from '../support/mcp-composition.ts'
import { callModern, type Message, modernMeta } from '../support/mcp-wire.ts'

/** Asks for everything there is, at once. */
const inquire = defineTool({
  name: 'inquire',
  title: 'Inquire',
  description: 'Asks for everything.',
  input: z.strictObject({}),
  annotations: {},
  pace: 'long',
  async run(_args, context) {
    const content = { type: 'text', text: 'Hello?' } as const
    await Promise.all([
      context.elicit({ key: 'form', message: 'Yes?', schema: { type: 'object', properties: {} } }),
      context.elicit({ key: 'page', message: 'Open this page.', url: 'https://example.com/' }),
      context.sample({ key: 'model', messages: [{ role: 'user', content }], maxTokens: 10 }),
      context.roots(),
    ])
    return { content: [] }
  },
})

const trace = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'rojo=00f067aa0ba902b7',
  baggage: 'userId=alice',
}
const nextTrace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01' }
const capabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
const answers: Readonly<Record<string, object>> = {
  'elicitation/create': { action: 'accept', content: {} },
  'sampling/createMessage': { content: { type: 'text', text: 'Hello!' }, model: 'm', role: 'assistant' },
  'roots/list': { roots: [] },
}
let server: McpComposition

beforeEach(async () => {
  server = await startMcpComposition({ tools: [inquire] })
})

afterEach(async () => {
  vi.restoreAllMocks()
  await until(() => server.surface.inspect().connections === 0, 'every connection is gone')
  expect(server.surface.inspect()).toMatchObject({ callsInFlight: 0, connections: 0 })
  await server.close()
})

/** The `_meta` of each question of a 2025-era call that came with this one, and the call's result. */
async function askedBefore(meta: object | undefined): Promise<{ asked: Message[]; end: Message }> {
  const socket = new WebSocket(server.webSocketUrl, 'mcp')
  const asked: Message[] = []
  const send = (message: object): void => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
  const end = await new Promise<Message>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('open', () => {
      const clientInfo = { name: 'by-hand', version: '1' }
      send({
        id: 0,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities, clientInfo },
      })
    })
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as Message
      if (message.id === 0) {
        const params = { name: 'inquire', arguments: {}, ...(meta && { _meta: meta }) }
        send({ id: 1, method: 'tools/call', params })
      } else if (message.id === 1) resolve(message)
      else {
        asked.push(message)
        send({ id: message.id, result: answers[message.method ?? ''] })
      }
    })
  })
  socket.close()
  return { asked, end }
}

const metasOf = (questions: readonly Message[]): unknown[] => questions.map(({ params }) => params?._meta)

test('in the 2025 era every question of a call bears its trace, and without one nothing', async () => {
  const { asked, end } = await askedBefore(trace)
  expect(new Set(asked.map(({ method }) => method))).toEqual(new Set(Object.keys(answers)))
  expect(metasOf(asked)).toEqual([trace, trace, trace, trace])
  expect(end.result).toEqual({ content: [] })
  expect(metasOf((await askedBefore(undefined)).asked)).toEqual([undefined, undefined, undefined, undefined])
})

test('in 2026-07-28 as well, and a round in another span is answered with what was asked in the first', async () => {
  const ask = async (meta: object, more: object = {}) => {
    const known = { ...modernMeta, 'io.modelcontextprotocol/clientCapabilities': capabilities, ...meta }
    const params = { name: 'inquire', arguments: {}, _meta: known, ...more }
    const { json } = await callModern(server.url, 'tools/call', params)
    return json.result as {
      readonly resultType: string
      readonly inputRequests: Readonly<Record<string, Message>>
      readonly requestState: string
    }
  }
  const { inputRequests, requestState } = await ask(trace)
  expect(metasOf(Object.values(inputRequests))).toEqual([trace, trace, trace, trace])
  const keys = Object.entries(inputRequests)
  const inputResponses = Object.fromEntries(keys.map(([key, { method }]) => [key, answers[method ?? '']]))
  const end = await ask(nextTrace, { requestState, inputResponses })
  expect(end.resultType).toBe('complete')
  expect(metasOf(Object.values((await ask({})).inputRequests))).toEqual(Array(4).fill(undefined))
})

test('a build that asks outside of the trace is found out', async () => {
  const { put } = OpenQuestions.prototype
  vi.spyOn(OpenQuestions.prototype, 'put').mockImplementation(function untraced(
    this: OpenQuestions,
    question,
  ) {
    return put.call(this, { ...question, params: { ...question.params, _meta: undefined } })
  })
  expect(metasOf((await askedBefore(trace)).asked)).not.toContainEqual(trace)
})
