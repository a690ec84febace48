// `npm run test:vanish`: a hundred thousand clients that connect from changing loopback addresses and vanish, in the middle of
// whatever they are at; half of them come with a session that is not in memory, and has to be rebuilt. Exits 0 if afterwards the
// server has no handle, no session, no stream and no client at its front door more than before, and its heap is as it was. Part of
// the nightly run. Flags: --cycles 100000, --seed 4; --plant NAME with one of plants/; --sabotage runs them all, and passes when
// each is seen.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { localPrincipal } from '../../src/domain/ids.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createSeededRandom } from '../../src/lib/random.ts'
import { SessionTokens } from '../../src/surfaces/mcp/legacy/session-tokens.ts'
import { sessionSecrets } from '../support/sessions-secret.ts'
import { sabotage } from './sabotage.ts'

interface Held {
  readonly heapBytes: number
  readonly handles: number
  readonly sessions: number
  readonly streams: number
  readonly logs: number
  readonly clients: number
}

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '4' },
    plant: { type: 'string' },
    sabotage: { type: 'boolean', default: false },
  },
})
if (values.sabotage) process.exit(sabotage())

const cycles = Number(values.cycles)
const atOnce = 64
const seed = Number(values.seed)
const random = createSeededRandom(seed)
const mebibyte = 1_048_576
// With a fault planted, which is to be seen, nobody waits for long.
const settleMsMax = values.plant === undefined ? 120_000 : 12_000

const plant =
  values.plant === undefined ? [] : ['--import', new URL(`./plants/${values.plant}.ts`, import.meta.url).href]
const child = fork(new URL('../support/sessions-child.ts', import.meta.url), {
  execArgv: ['--expose-gc', ...plant],
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
})
const [hello] = (await once(child, 'message')) as [{ url: string }]
const { port: portText, pathname } = new URL(hello.url)
const port = Number(portText)

const params = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'vanishing', version: '1' },
}
const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
const accept = 'application/json, text/event-stream'
const posted = (text: string, more = ''): string =>
  `POST ${pathname} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nAccept: ${accept}\r\n${more}Content-Length: ${text.length}\r\n\r\n${text}`
const greeting = posted(body)
const listening = (session: string): string =>
  `GET ${pathname} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\nMcp-Session-Id: ${session}\r\n\r\n`

const tokens = new SessionTokens({
  clock: systemClock,
  secrets: sessionSecrets,
  lifeMs: 3_600_000,
  keyOf: () => null,
})
const said = { version: params.protocolVersion, capabilities: {}, programName: 'vanishing' }
const call = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'echo', arguments: { text: 'gone' } },
})

const upgrade = `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mcp\r\n\r\n`

/** One client. Half of them have a session, which this process has not. */
function visit(index: number): Promise<void> {
  return random() < 0.5 ? meet(index) : comeBack(index)
}

/** It calls or listens in a session that has to be rebuilt, and leaves in the middle of that, or once it is answered. */
function comeBack(index: number): Promise<void> {
  const { token } = tokens.mint(said, localPrincipal, undefined)
  const text = random() < 0.5 ? listening(token) : posted(call, `Mcp-Session-Id: ${token}\r\n`)
  const isAnswered = random() < 0.5
  const isReset = random() < 0.5
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (index % 250)}` })
    const leave = (): void => {
      if (isReset) socket.resetAndDestroy()
      else socket.destroy()
    }
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.on('data', leave)
    socket.write(text, () => {
      if (!isAnswered) leave()
    })
  })
}

/** It leaves at one of five moments: connected, in mid-request, answered, listening, or as a WebSocket. */
function meet(index: number): Promise<void> {
  const stage = Math.floor(random() * 5)
  const isReset = random() < 0.5
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (index % 250)}` })
    const leave = (): void => {
      if (isReset) socket.resetAndDestroy()
      else socket.destroy()
    }
    let text = ''
    // Whatever comes of it: the server may well be the first to go.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.on('connect', () => {
      if (stage === 0) leave()
      else if (stage === 1) socket.write(greeting.slice(0, 40 + (index % (greeting.length - 40))), leave)
      else socket.write(stage === 4 ? upgrade : greeting)
    })
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (stage === 4 && text.includes(' 101 ')) leave()
      const session = /mcp-session-id: (\S+)/i.exec(text)?.[1]
      if (session === undefined || !text.includes('"serverInfo"')) return
      text = ''
      if (stage === 2) leave()
      else socket.write(listening(session), () => setTimeout(leave, 5))
    })
  })
}

async function held(): Promise<Held> {
  child.send('what do you hold?')
  const [answer] = (await once(child, 'message')) as [Held]
  return answer
}

// Whoever is quiet is forgotten after some seconds; how many that are depends on the machine, so what does not end is told by time alone.
async function settled(): Promise<Held> {
  const end = performance.now() + settleMsMax
  let now = await held()
  while (performance.now() < end && now.sessions + now.streams + now.logs + now.clients > 0) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    now = await held()
  }
  return now
}

let next = 0
async function come(count: number): Promise<void> {
  const end = next + count
  const worker = async (): Promise<void> => {
    while (next < end) await visit(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

await come(Math.min(1_000, cycles))
const before = await settled()
await come(cycles)
const after = await settled()
child.kill('SIGKILL')
const isFine =
  after.sessions + after.streams + after.logs + after.clients === 0 &&
  after.handles <= before.handles &&
  after.heapBytes < before.heapBytes + 2 * mebibyte
process.stdout.write(`${JSON.stringify({ bench: 'vanish', cycles, seed, before, after, isFine })}\n`)
process.exitCode = isFine ? 0 : 1
