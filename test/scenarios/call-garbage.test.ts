// What a request was made of goes with the next small collection. What survives those is copied by each of them, stops everybody while it
// is, and lives until a full one: an object literal with a getter, made per call, once kept every request that way. Memory is measured,
// never time. Not held to it: a streamed call of a session and a call that reaches a vendor,
// which leave some 8 and 27 KiB.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { initialize, type Message, modernMeta } from '../support/mcp-wire.ts'
import { RawHttp } from '../support/raw-http.ts'

const requests = 1_000
const warmUp = 200
// Between what requests leave (0.1 to 0.7 KiB: what was on its way when a collection came) and what they left with the fault (3.3 to 6.6).
const lateBytesMax = 2_048
const wide = '{ requestsPerMinute: 1000000, burst: 1000000, concurrency: 10000 }'
const client = { 'x-exai-client': 'w-1234567890abcdef' }
const http = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  ...client,
}

/** One request of a kind, answered. */
type Ask = () => Promise<void>

let child: ChildProcess
let home = ''
let raw: RawHttp
let socket: WebSocket
let id = 0

afterEach(async () => {
  socket.terminate()
  raw.close()
  child.kill('SIGKILL')
  await once(child, 'exit')
  rmSync(home, { recursive: true, force: true })
})

/** Starts a server and opens a connection of each kind; answers what may be asked there. */
async function start(plant: string | null): Promise<Readonly<Record<string, Ask>>> {
  home = mkdtempSync(join(tmpdir(), 'exai-garbage-'))
  writeFileSync(join(home, 'exai.yaml'), `limits:\n  client: ${wide}\n  principal: ${wide}\n`)
  const planted = plant === null ? [] : ['--import', new URL(`plants/${plant}.ts`, import.meta.url).href]
  child = fork(new URL('../support/garbage-child.ts', import.meta.url), [home], {
    execArgv: ['--expose-gc', ...planted],
    env: { PATH: process.env.PATH, HOME: home, EXAI_PORT: '0', EXAI_DATA_DIR: join(home, 'data') },
  })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  raw = new RawHttp(port)
  const session = await initialize(`http://127.0.0.1:${port}/mcp`, { headers: client })
  socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, 'mcp', { headers: client })
  await once(socket, 'open')
  let heard: (message: Message) => void = () => undefined
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as Message
    if (message.id === id) heard(message)
  })

  const toText = (method: string, params: object): string =>
    JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params })
  const post = async (headers: Readonly<Record<string, string>>, text: string): Promise<void> => {
    const { status, body } = await raw.post({ ...http, ...headers }, Buffer.from(text))
    if (status !== 200 || !body.includes('"result"') || body.includes('"isError":true')) throw new Error(body)
  }
  const inSession =
    (method: string, params: object): Ask =>
    () =>
      post({ 'mcp-session-id': session.id }, toText(method, params))
  const stateless =
    (method: string, params: Readonly<Record<string, unknown>>): Ask =>
    () => {
      const _meta = { ...modernMeta, progressToken: id + 1 }
      const name = typeof params.name === 'string' ? { 'mcp-name': params.name } : null
      const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...name }
      return post(headers, toText(method, { ...params, _meta }))
    }
  const onSocket = async (method: string, params: object): Promise<void> => {
    const answered = new Promise<Message>((resolve) => {
      heard = resolve
    })
    socket.send(toText(method, { ...params, _meta: { progressToken: id + 1 } }))
    const { result } = await answered
    if (result === undefined || (result as { isError?: boolean }).isError === true) {
      throw new Error(`${method} failed`)
    }
  }

  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
  await onSocket('initialize', params)
  const version = { name: 'version', arguments: {} }
  const say = { name: 'say', arguments: { text: 'a word' } }
  return {
    'a ping of a session': inSession('ping', {}),
    'a list of a session': inSession('tools/list', {}),
    'a call of a session': inSession('tools/call', version),
    'a stateless list': stateless('tools/list', {}),
    'a stateless call': stateless('tools/call', version),
    'a stateless streamed call': stateless('tools/call', say),
    'a call on a WebSocket': () => onSocket('tools/call', version),
    'a call with progress on a WebSocket': () => onSocket('tools/call', say),
  }
}

/** What only a full collection frees of such a request, in bytes. */
async function lateBytes(ask: Ask): Promise<number> {
  for (let n = 0; n < warmUp; n++) await ask()
  await collected()
  for (let n = 0; n < requests; n++) await ask()
  return (await collected()) / requests
}

async function collected(): Promise<number> {
  const answer = once(child, 'message')
  child.send('collect')
  const [{ lateBytes }] = (await answer) as [{ lateBytes: number }]
  return lateBytes
}

describe('what a request was made of', () => {
  test('goes with the next small collections', async () => {
    const kinds = Object.entries(await start(null))
    for (const [kind, ask] of kinds) expect(await lateBytes(ask), kind).toBeLessThan(lateBytesMax)
  })

  test('is seen to stay, whatever the kind, where each message makes a literal with a getter', async () => {
    const kinds = Object.entries(await start('literal-kept'))
    for (const [kind, ask] of kinds) expect(await lateBytes(ask), kind).toBeGreaterThan(lateBytesMax)
  })

  test('is seen to stay where the work of a call of a session is such a literal', async () => {
    const { 'a call of a session': ask } = await start('work-kept')
    expect(ask).toBeDefined()
    if (ask !== undefined) expect(await lateBytes(ask)).toBeGreaterThan(lateBytesMax)
  })
})
