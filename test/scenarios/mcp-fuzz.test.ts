// A hundred thousand generated inputs (EXAI_FUZZ_INPUTS sets another number) at both doors, most of them valid but for
// one field. The server stays alive, answers each one with something the protocol knows, keeps its memory flat, and the
// clients beside it get every answer right.

import { isUtf8 } from 'node:buffer'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { callModern, eventData, initialize, type Message, postLegacy } from '../support/mcp-wire.ts'
import { type RawAnswer, RawHttp } from '../support/raw-http.ts'
import { createFuzz } from '../support/wire-fuzz.ts'

const inputs = Number(process.env.EXAI_FUZZ_INPUTS ?? 100_000)
const seed = Number(process.env.EXAI_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
const lanes = 8
const heapGrowthMax = 16 * 1024 * 1024

/** Stands in everything the bystanders send: nobody else may get a byte of it. */
const mark = 'bystanders-own-words'

const knownStatuses = new Set([200, 202, 400, 404, 413, 503])

type Layer =
  | 'framing'
  | 'envelope'
  | 'session'
  | 'era'
  | 'method'
  | 'params'
  | 'arguments'
  | 'tool'
  | 'no answer due'

interface Report {
  readonly heapBytes: number
  readonly failures: readonly string[]
  readonly inspection: { readonly callsInFlight: number; readonly connections: number }
  readonly calls: number
}

let child: ChildProcess
let place: { url: string; webSocketUrl: string; port: number }
let isOver = false
const layers = new Map<Layer, number>()
const kinds = new Map<string, number>()
/** Lists that were taken: one answer for each of several requests. */
let lists = 0

/** Half of the lanes speak the one revision that takes lists of messages. */
const versionOf = (lane: number): string => (lane % 2 === 0 ? '2025-11-25' : '2025-03-26')

const count = <Key>(counts: Map<Key, number>, key: Key): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

async function startChild(plant: string | null): Promise<void> {
  const planted = plant === null ? [] : ['--import', new URL(`plants/${plant}.ts`, import.meta.url).href]
  child = fork(fileURLToPath(new URL('../support/mcp-child.ts', import.meta.url)), [], {
    execArgv: ['--expose-gc', ...planted],
    // A planted fault ends the process with many words.
    silent: plant !== null,
  })
  const [message] = await once(child, 'message')
  place = message as typeof place
  isOver = false
  layers.clear()
  kinds.clear()
  lists = 0
}

afterEach(async () => {
  if (child.exitCode !== null) return
  const gone = once(child, 'exit')
  child.disconnect()
  await gone
})

async function report(): Promise<Report> {
  const answer = once(child, 'message')
  child.send('report')
  const [message] = await answer
  return message as Report
}

/** Which layer answered. Throws for an answer the protocol does not know. */
function layerOf(message: Message, status: number): Layer {
  const { error, result } = message
  if (result !== undefined) {
    const outcome = result as { isError?: boolean; content?: { text?: string }[] }
    return outcome.isError && outcome.content?.[0]?.text?.startsWith('The arguments') ? 'arguments' : 'tool'
  }
  switch (error?.code) {
    case -32700:
      return 'envelope'
    case -32600:
      return /Mcp-Session-Id|MCP-Protocol-Version|initialize/.test(error.message) ? 'session' : 'envelope'
    case -32001:
      return 'session'
    case -32020:
    case -32021:
    case -32022:
      return 'era'
    case -32601:
      return 'method'
    case -32602:
      return status === 400 ? 'era' : 'params'
    case -32002:
      return 'params'
    default:
      throw new Error(`an answer the protocol does not know: ${status} ${JSON.stringify(message)}`)
  }
}

async function httpLane(lane: number, share: number): Promise<void> {
  const session = await initialize(place.url, {
    version: versionOf(lane),
    headers: { 'x-exai-client': `fuzz-lane-${lane}` },
  })
  const next = createFuzz(seed + lane, session.id)
  const client = new RawHttp(place.port)
  const fixed = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'x-exai-client': `fuzz-lane-${lane}`,
  }
  for (let n = 0; n < share; n++) {
    const { kind, headers, body } = next()
    count(kinds, kind)
    const tooLarge = n % 5_000 === 4_999
    const answer = await client.post({ ...fixed, ...headers }, body, tooLarge ? 2 ** 23 : body.length)
    if (tooLarge) client.close()
    if (answer.body.includes(mark)) throw new Error(`somebody else's words: ${answer.body}`)
    if (!knownStatuses.has(answer.status)) throw new Error(`status ${answer.status}: ${answer.body}`)
    if (answer.status === 202) count(layers, 'no answer due')
    else if (answer.type === 'text/plain') count(layers, answer.status === 503 ? 'session' : 'framing')
    else {
      const answers = answersOf(answer)
      if (answers.length > 1) lists += 1
      for (const each of answers) count(layers, layerOf(each, answer.status))
    }
  }
  client.close()
}

/** Every answer of a response: of a stream, of a list, or the one there is. */
function answersOf({ type, body }: RawAnswer): readonly Message[] {
  if (type !== 'text/event-stream') return [JSON.parse(body) as Message | Message[]].flat()
  const events = body.trimEnd().split('\n\n').map(eventData)
  const messages = events.filter((data) => data !== '').map((data) => JSON.parse(data) as Message)
  return messages.filter(({ method }) => method === undefined)
}

/** A frame from the server; its layer is counted unless it is a message of its own accord. Throws for what must not be said. */
function take(text: string): Message {
  if (text.includes(mark)) throw new Error(`somebody else's words: ${text}`)
  const message = JSON.parse(text) as Message
  const isFence = String(message.id).startsWith('fence-')
  if (!isFence && message.method === undefined) count(layers, layerOf(message, 400))
  return message
}

// Frames go out in volleys; a ping behind each volley proves that the server has been through it.
async function webSocketLane(lane: number, share: number): Promise<void> {
  const next = createFuzz(seed + 1_000 + lane, null)
  let socket = await open(versionOf(lane))
  for (let sent = 0; sent < share; ) {
    const fence = `fence-${lane}-${sent}`
    const end = new Promise<'fence' | 'closed'>((resolve, reject) => {
      socket.once('close', () => resolve('closed'))
      socket.on('message', (data) => {
        try {
          if (take(String(data)).id === fence) resolve('fence')
        } catch (error) {
          reject(error)
        }
      })
    })
    for (let n = 0; n < 50 && sent < share; n++, sent++) {
      const { kind, body } = next()
      count(kinds, kind)
      // Few torn characters only: each ends its connection, and with it what is left of the volley.
      const isKept = isUtf8(body) || sent % 1_000 === 0
      socket.send(isKept ? body : body.toString('utf8'), { binary: false })
    }
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: fence, method: 'ping' }))
    if ((await end) === 'closed') {
      // Bytes that are no UTF-8 end a WebSocket by its own rules; the rest of that volley is lost with it.
      count(layers, 'framing')
      socket = await open(versionOf(lane))
    } else {
      socket.removeAllListeners('message')
      socket.removeAllListeners('close')
    }
  }
  const closed = once(socket, 'close')
  socket.close()
  await closed
}

async function open(version: string): Promise<WebSocket> {
  const socket = new WebSocket(place.webSocketUrl, 'mcp')
  socket.on('error', () => undefined)
  await once(socket, 'open')
  const ready = once(socket, 'message')
  socket.send(
    JSON.stringify({
      jsonrpc: '2.0',
      id: 'i',
      method: 'initialize',
      params: { protocolVersion: version },
    }),
  )
  await ready
  return socket
}

interface EchoCall {
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** A client's way to the tools; `call` resolves with the result of the `n`th call. */
interface Caller {
  call(tool: EchoCall, n: number): Promise<unknown>
  close?(): Promise<unknown>
}

/** 2025-11-25 over HTTP. */
async function inSession(name: string): Promise<Caller> {
  const headers = { 'x-exai-client': `bystander-${name}` }
  const session = await initialize(place.url, { headers })
  return {
    call: async (tool) => (await postLegacy(place.url, session.id, 'tools/call', tool, headers)).json.result,
  }
}

/** 2026-07-28 over HTTP. */
async function withoutSession(name: string): Promise<Caller> {
  const headers = { 'x-exai-client': `bystander-${name}` }
  return {
    call: async (tool) => (await callModern(place.url, 'tools/call', { ...tool }, { headers })).json.result,
  }
}

/** 2025-11-25 over one WebSocket. */
async function onSocket(): Promise<Caller> {
  const socket = await open('2025-11-25')
  const gone = once(socket, 'close').then(() => {
    throw new Error('the WebSocket of a bystander is gone')
  })
  // It is met in the next call; after the last one it is the end that was wanted.
  gone.catch(() => undefined)
  return {
    async call(tool, n) {
      const answer = once(socket, 'message')
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: n, method: 'tools/call', params: tool }))
      const [data] = await Promise.race([answer, gone])
      const { id, result } = JSON.parse(String(data)) as Message
      expect(id).toBe(n)
      return result
    },
    close() {
      const closed = once(socket, 'close')
      socket.close()
      return closed
    },
  }
}

/** A client beside the storm: one call after another, each with its own mark. */
async function bystander(name: string, open: (name: string) => Promise<Caller>): Promise<number> {
  const caller = await open(name)
  let calls = 0
  while (!isOver) {
    const text = `${mark} ${name} ${calls}`
    const tool =
      calls % 2 === 0
        ? { name: 'echo', arguments: { text } }
        : { name: 'slow', arguments: { text, waitMs: 2 } }
    expect(await caller.call(tool, calls)).toMatchObject({ content: [{ type: 'text', text }] })
    calls += 1
  }
  await caller.close?.()
  return calls
}

/** Sends so many; throws where anybody was harmed. */
async function weather(inputs: number, plant: string | null): Promise<void> {
  await startChild(plant)
  const storm = async (total: number): Promise<void> => {
    const share = Math.ceil(total / (2 * lanes))
    const all = Array.from({ length: lanes }, (_, lane) => [
      httpLane(lane, share),
      webSocketLane(lane, share),
    ])
    await Promise.all(all.flat())
  }
  const storms = async (): Promise<Report> => {
    try {
      await storm(Math.ceil(inputs / 5))
      const seen = await report()
      await storm(inputs - Math.ceil(inputs / 5))
      return seen
    } finally {
      isOver = true
    }
  }
  const [early, ...served] = await Promise.all([
    storms(),
    bystander('ada', inSession),
    bystander('bob', withoutSession),
    bystander('cem', onSocket),
  ])
  const late = await report()

  for (const [layer, n] of [...layers].sort((a, b) => b[1] - a[1])) process.stdout.write(`  ${layer}: ${n}\n`)
  const total = [...kinds.values()].reduce((sum, n) => sum + n, 0)
  process.stdout.write(`  of ${total}: ${[...kinds].map(([kind, n]) => `${n} ${kind}`).join(', ')}\n`)
  process.stdout.write(`  lists taken over HTTP: ${lists}\n`)
  process.stdout.write(
    `  heap ${mib(early.heapBytes)} -> ${mib(late.heapBytes)} MiB, bystanders' calls ${served}\n`,
  )

  expect(late.failures).toEqual([])
  expect(late.calls).toBe(0)
  expect(late.inspection).toMatchObject({ callsInFlight: 0, connections: 0 })
  expect(late.heapBytes - early.heapBytes).toBeLessThan(heapGrowthMax)
  expect((kinds.get('one-field') ?? 0) / total).toBeGreaterThan(0.5)
  for (const layer of [
    'framing',
    'envelope',
    'session',
    'era',
    'method',
    'params',
    'arguments',
    'tool',
  ] as const) {
    expect(layers.get(layer) ?? 0, `inputs that reached ${layer}`).toBeGreaterThan(0)
  }
  expect(lists).toBeGreaterThan(0)
  for (const calls of served) expect(calls).toBeGreaterThan(10)
}

test(`${inputs} generated inputs harm nobody`, { timeout: 120_000 + inputs * 6 }, async () => {
  process.stdout.write(`fuzz: ${inputs} inputs, EXAI_FUZZ_SEED=${seed}\n`)
  await weather(inputs, null)
})

test.each([
  ['shows others what a bystander said', 'words-leaked', /somebody else's words: .*bystanders-own-words/],
  ['keeps what it has read', 'bytes-kept', /to be less than 16777216/],
  [
    'stumbles over what is wrong in a list',
    'list-stumbles',
    /status 500|ECONNREFUSED|ECONNRESET|fetch failed|closed/,
  ],
  ['ends at a slip', 'slip-deadly', /ECONNREFUSED|ECONNRESET|socket hang up|fetch failed|closed|gone/],
])('a server that %s is found out', { timeout: 600_000 }, async (_what, plant, why) => {
  await expect(weather(4_000, plant)).rejects.toThrow(why)
})

function mib(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1)
}
