// What a client of the 2025 era says by a connection of its own, while what it means runs in a server that is being replaced: it comes to
// the new one, which hands it on.

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSimulator, type Simulator } from '../../simulator/server.ts'
import { findPredecessor, type Predecessor } from '../../src/cli/replace/predecessor.ts'
import type { StrayMessage } from '../../src/surfaces/mcp/mcp-options.ts'
import { createGreet } from '../support/greet-tool.ts'
import { until } from '../support/mcp-composition.ts'
import { initialize, type Message, post, readEvents } from '../support/mcp-wire.ts'
import { type Life, Successors } from '../support/successors.ts'

const greet = createGreet()

let home: string
let simulator: Simulator
let servers: Successors
let old: Life
let session: string
let messages: Message[]
let beside: Promise<unknown>

const url = (): string => `${old.url}/mcp`
const text = (): string => JSON.stringify(messages.at(-1)?.result)

beforeEach(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'exai-strays-')))
  writeFileSync(join(home, 'exai.yaml'), 'providers: { glm: { concurrency: 8 } }')
  simulator = createSimulator({ glm: { serviceMs: 30 } })
  await simulator.listen()
  servers = new Successors(home, simulator, [greet])
  old = await servers.begin()
  session = (await initialize(url(), { capabilities: { elicitation: {} } })).id
  messages = []
  const headers = { accept: 'text/event-stream', 'mcp-session-id': session }
  beside = readEvents(await fetch(url(), { headers }))
})
afterEach(async () => {
  simulator.control({ glm: { gate: 'open' } })
  await servers.end()
  await simulator.close()
  rmSync(home, { recursive: true, force: true })
})

function call(name: string, args: object): Promise<Message[]> {
  const body = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name, arguments: args } }
  return post(url(), body, { 'mcp-session-id': session }).then((response) =>
    readEvents(response, (message) => messages.push(message)),
  )
}

// Never on a connection that the old one still has.
function say(message: object): Promise<number | undefined> {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', agent: false, headers: { ...headers, 'mcp-session-id': session } }
    request(url(), options, (response) => resolve(response.resume().statusCode))
      .once('error', reject)
      .end(JSON.stringify({ jsonrpc: '2.0', ...message }))
  })
}

const accepted = (name: string): object => ({ action: 'accept', content: { name } })

async function replaced(): Promise<{ readonly before: Predecessor; readonly released: Promise<void> }> {
  const before = await findPredecessor(join(home, 'data'))
  await servers.begin(before)
  await old.ear.replaced
  const released = old.server.release(old.ear.strays)
  // That stream ends when its sessions are drained.
  await beside
  return { before, released }
}

test('the answer of a person counts', async () => {
  const end = call('greet', {})
  await until(() => messages.length === 1, 'the question is here')
  const { released } = await replaced()
  expect(await say({ id: messages[0]?.id, result: accepted('Anna') })).toBe(202)
  await end
  expect(text()).toContain('Hello, Anna!')
  await released
})

test('a call that is cancelled ends at the vendor, too', async () => {
  simulator.control({ glm: { gate: 'closed' } })
  const end = call('chat', { prompt: 'Wait.' })
  await until(() => simulator.stats(0).glm.inFlight === 1, 'it runs')
  const { released } = await replaced()
  await say({ method: 'notifications/cancelled', params: { requestId: 7 } })
  await until(() => simulator.stats(0).glm.abortCount === 1, 'the vendor knows')
  await end
  await released
})

test('so does an error in the place of an answer', async () => {
  const end = call('greet', {})
  await until(() => messages.length === 1, 'the question is here')
  const { released } = await replaced()
  await say({ id: messages[0]?.id, error: { code: -32_601, message: 'What is a question?' } })
  await end
  expect(text()).toContain('Hello, cancel!')
  await released
})

test('what is said of a session by another principal, or another client, is not taken', async () => {
  const end = call('greet', {})
  await until(() => messages.length === 1, 'the question is here')
  const id = messages[0]?.id
  const stray = (name: string): StrayMessage => ({
    principal: 'local',
    session,
    message: JSON.stringify({ jsonrpc: '2.0', id, result: accepted(name) }),
  })
  old.server.takeStray({ ...stray('Mallory'), principal: 'mallory' })
  old.server.takeStray({ ...stray('Mallory'), clientHeader: 'window-0001' })
  old.server.takeStray({ ...stray('Mallory'), session: `${session}x` })
  const { released } = await replaced()
  old.server.takeStray(stray('Anna'))
  await end
  expect(text()).toContain('Hello, Anna!')
  await released
})

test('no answer is waited for once the new server is gone', async () => {
  const end = call('greet', {})
  await until(() => messages.length === 1, 'the question is here')
  const { before, released } = await replaced()
  before.close()
  await end
  expect(text()).toContain('Hello, nobody!')
  await released
})
