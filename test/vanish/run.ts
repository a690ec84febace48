// `node test/vanish/run.ts [cycles]`: a hundred thousand clients that connect from changing loopback addresses and vanish, in the
// middle of whatever they are at. Exits 0 if afterwards the server has no handle, no session and no stream more than before, and
// its heap is as it was. Part of the nightly run.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createSeededRandom } from '../../src/lib/random.ts'

interface Held {
  readonly heapBytes: number
  readonly handles: number
  readonly sessions: number
  readonly streams: number
  readonly logs: number
}

const cycles = Number(process.argv[2] ?? 100_000)
const atOnce = 64
const seed = Number(process.argv[3] ?? 4)
const random = createSeededRandom(seed)
const mebibyte = 1_048_576

const child = fork(new URL('../support/sessions-child.ts', import.meta.url), {
  execArgv: ['--expose-gc'],
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
const greeting = `POST ${pathname} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nAccept: ${accept}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const listening = (session: string): string =>
  `GET ${pathname} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\nMcp-Session-Id: ${session}\r\n\r\n`

/** One client. It leaves at one of four moments: connected, in mid-request, answered, or listening. */
function visit(index: number): Promise<void> {
  const stage = Math.floor(random() * 4)
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
      else socket.write(greeting)
    })
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part
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

async function settled(): Promise<Held> {
  for (let looks = 0; looks < 600; looks++) {
    const now = await held()
    if (now.sessions + now.streams + now.logs === 0) return now
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return held()
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
  after.sessions + after.streams + after.logs === 0 &&
  after.handles <= before.handles &&
  after.heapBytes < before.heapBytes + 2 * mebibyte
process.stdout.write(`${JSON.stringify({ cycles, seed, before, after, isFine })}\n`)
process.exitCode = isFine ? 0 : 1
