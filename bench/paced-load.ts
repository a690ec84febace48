// Paced load as a process of its own on the load's core: calls are due at fixed times over some sessions, and each one's
// time counts from when it was due, so that a stall counts against every call it held up. Midway some other clients, each
// with its GET stream and a call under way, may leave at once. Arguments: URL, calls a second, seconds before, seconds after, how
// many leave. Writes JSON{"before":{...},"after":{...}} in microseconds.

import { Agent, request } from 'node:http'
import { type BenchClient, openClients, openStream } from './sessions.ts'

const [url = '', ...numbers] = process.argv.slice(2)
const [perSecond = 500, secondsBefore = 3, secondsAfter = 0, leaverCount = 0] = numbers.map(Number)
const callers = await openClients(url, 'legacy', 32)
const leavers = await openClients(url, 'legacy', leaverCount)
const agents = callers.map(() => new Agent({ keepAlive: true, maxSockets: 4 }))
let nextId = 1
let errors = 0

function call(
  client: BenchClient,
  tool: string,
  agent: Agent | false,
  ended: (isRight: boolean) => void,
): () => void {
  const params = { name: tool, arguments: { text: 't'.repeat(64) } }
  const body = JSON.stringify({ jsonrpc: '2.0', id: nextId++, method: 'tools/call', params })
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': client.version,
    'x-exai-client': client.client,
    ...(client.session === '-' ? {} : { 'mcp-session-id': client.session }),
  }
  const sent = request(url, { method: 'POST', agent, headers }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    response.once('error', () => ended(false))
    response.once('end', () => ended(text.includes('tttt')))
  })
  sent.once('error', () => ended(false))
  sent.end(body)
  return () => sent.destroy()
}

async function pace(seconds: number): Promise<readonly number[]> {
  const waits: number[] = []
  const count = perSecond * seconds
  const startAt = performance.now() + 5
  let begun = 0
  await new Promise<void>((done) => {
    if (count === 0) done()
    const look = (): void => {
      const now = performance.now()
      while (begun < count && startAt + (begun * 1000) / perSecond <= now) {
        const dueAt = startAt + (begun * 1000) / perSecond
        const at = begun % callers.length
        begun++
        call(callers[at] as BenchClient, 'echo', agents[at] as Agent, (isRight) => {
          if (!isRight) errors++
          waits.push((performance.now() - dueAt) * 1000)
          if (waits.length === count) done()
        })
      }
      // A timer is a millisecond late; the next turn of the loop is not.
      if (begun < count) setImmediate(look)
    }
    look()
  })
  return waits
}

function summary(waits: readonly number[]): { readonly p50: number; readonly p99: number } {
  const sorted = waits.toSorted((a, b) => a - b)
  const percentile = (share: number): number => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0)
  return { p50: percentile(0.5), p99: percentile(0.99) }
}

await pace(1) // connections are opened and code is warm
const leave: (() => void)[] = []
for (const each of leavers) {
  leave.push(
    await openStream(url, each),
    call(each, 'wait', false, () => undefined),
  )
}
const before = summary(await pace(secondsBefore))
for (const each of leave) each()
const after = summary(await pace(secondsAfter))
process.stdout.write(`JSON${JSON.stringify({ before, after, errors })}\n`, () => process.exit(0))
