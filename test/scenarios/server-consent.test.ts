// A window gives a tool the path of a file outside its folder: the person is asked, in both eras, by the whole server. A yes
// reads it and costs one vendor request, however many rounds there were; anything else is refused in the words of ever.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { until } from '../support/mcp-composition.ts'
import { type Message, modernMeta } from '../support/mcp-wire.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'

let server: ServerFixture
let path: string
let headers: Record<string, string>
const capabilities = { elicitation: { form: {} } }
const allowed = { action: 'accept', content: { allow: 'folder' } }

beforeEach(async () => {
  server = await startServer()
  for (const folder of ['api', 'shared']) mkdirSync(join(server.home, folder))
  path = join(server.home, 'shared', 'sum.ts')
  writeFileSync(path, 'export const sum = (a, b) => a - b')
  headers = {
    'x-exai-client': 'window-of-the-test',
    'x-exai-root': encodeURIComponent(join(server.home, 'api')),
  }
})

afterEach(() => server.stop())

const vendorRequests = (): number =>
  Object.values(server.simulator.stats(0).glm.requests).reduce((sum, count) => sum + count, 0)

interface Result {
  readonly isError?: boolean
  readonly resultType?: string
  readonly requestState?: string
  readonly inputRequests?: Readonly<Record<string, { readonly params: { readonly message: string } }>>
  readonly content?: readonly { readonly text?: string }[]
}

async function review(client: string, more: object = {}): Promise<Result> {
  const _meta = { ...modernMeta, 'io.modelcontextprotocol/clientCapabilities': capabilities }
  const params = { name: 'codereview', arguments: { path }, _meta, ...more }
  const { text } = await server.plain('POST', '/mcp', {
    headers: {
      ...headers,
      'x-exai-client': client,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'codereview',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
  })
  const last = text.trimEnd().split('\n').at(-1) ?? ''
  return (JSON.parse(last.replace(/^data: /, '')) as { readonly result: Result }).result
}

test('in 2026-07-28 a yes reads the file, opens its folder to this window, and to no other', async () => {
  const asked = await review('window-1')
  expect(asked.resultType).toBe('input_required')
  const [key = '', question] = Object.entries(asked.inputRequests ?? {})[0] ?? []
  expect(question?.params.message).toContain(path)
  const { requestState } = asked
  const answered = await review('window-1', { requestState, inputResponses: { [key]: allowed } })
  expect(answered).toMatchObject({ resultType: 'complete' })
  expect(answered.isError).toBeUndefined()
  expect(vendorRequests()).toBe(1)
  expect((await review('window-1')).resultType).toBe('complete')
  expect((await review('window-2')).resultType).toBe('input_required')
})

test('a window that cancels at once, as one without a person does, is refused as ever', async () => {
  const { inputRequests = {}, requestState } = await review('window-1')
  const inputResponses = Object.fromEntries(
    Object.keys(inputRequests).map((key) => [key, { action: 'cancel' }]),
  )
  const refused = await review('window-1', { requestState, inputResponses })
  expect(refused.isError).toBe(true)
  expect(refused.content?.[0]?.text).toContain('is not inside a folder that may be read')
  expect(await review('window-1')).toMatchObject({ isError: true })
})

test('in the 2025 era the question comes while the call runs', async () => {
  const socket = new WebSocket(`${server.url.replace('http', 'ws').replace('/mcp', '')}/ws`, 'mcp', {
    headers,
  })
  const messages: Message[] = []
  const send = (message: object): void => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as Message
    if (message.method === 'elicitation/create') send({ id: message.id, result: allowed })
    messages.push(message)
  })
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  const clientInfo = { name: 'by-hand', version: '1' }
  send({
    id: 0,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities, clientInfo },
  })
  send({ id: 1, method: 'tools/call', params: { name: 'codereview', arguments: { path } } })
  await until(() => messages.some(({ id, result }) => id === 1 && result !== undefined), 'the review is here')
  const question = messages.find(({ method }) => method === 'elicitation/create')
  expect(question?.params?.message).toContain(path)
  const answer = messages.at(-1) as { readonly result: Result }
  expect(answer.result.isError).toBeUndefined()
  socket.terminate()
})
