// Load over WebSocket, as a process of its own on the load's core: some connections, each with some calls in flight, for
// some seconds. Arguments: URL, tool, connections, in flight each, bytes, seconds. Writes JSON{...} like bench/call.lua.

import { once } from 'node:events'
import { WebSocket } from 'ws'

const [url = '', tool = '', ...numbers] = process.argv.slice(2)
const [connections = 32, inFlight = 1, bytes = 64, seconds = 3] = numbers.map(Number)
const text = 't'.repeat(bytes)
const waits: number[] = []
let errors = 0
let wrong = 0
let requests = 0

interface Answer {
  readonly id: number
  readonly result?: { readonly isError?: boolean }
  readonly error?: unknown
}

async function open(): Promise<WebSocket> {
  const socket = new WebSocket(url, 'mcp', { perMessageDeflate: false })
  await once(socket, 'open')
  const clientInfo = { name: 'bench', version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  const answered = once(socket, 'message')
  socket.send(JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }))
  await answered
  socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }))
  return socket
}

const sockets = await Promise.all(Array.from({ length: connections }, open))
const endAt = performance.now() + seconds * 1000
await Promise.all(
  sockets.map(async (socket) => {
    const sent = new Map<number, number>()
    let nextId = 1
    const call = (): void => {
      const id = nextId++
      sent.set(id, performance.now())
      const params = { name: tool, arguments: { text } }
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params }))
    }
    await new Promise<void>((done) => {
      socket.on('message', (data) => {
        const said = String(data)
        const answer = JSON.parse(said) as Answer
        const sentAt = sent.get(answer.id)
        if (sentAt === undefined) return // a notification of the server
        sent.delete(answer.id)
        const now = performance.now()
        requests++
        waits.push(now - sentAt)
        if (answer.error !== undefined) errors++
        else if (answer.result?.isError === true || !said.includes(text)) wrong++
        if (now < endAt) call()
        else if (sent.size === 0) done()
      })
      socket.on('close', () => {
        errors += sent.size
        done()
      })
      for (let i = 0; i < inFlight; i++) call()
    })
    socket.terminate()
  }),
)
waits.sort((a, b) => a - b)
const percentile = (share: number): number =>
  Math.round((waits[Math.floor(waits.length * share)] ?? 0) * 1000)
process.stdout.write(
  `JSON${JSON.stringify({ requests, errors, wrong, p50: percentile(0.5), p99: percentile(0.99) })}\n`,
)
