// Opens clients of a server the way their load needs them: 2025-era sessions (with their GET stream, for memory), or
// modern clients, which are an id and nothing more.

import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'

/** One client a load speaks for. `-` where there is none. */
export interface BenchClient {
  readonly session: string
  readonly version: string
  readonly client: string
}

/** The era a client speaks. */
export type Era = 'legacy' | 'modern'

let agent = newAgent()

function newAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 32 })
}

/** Drops the sockets kept for a server that has ended: the next one on its port would answer them with a reset. */
export function dropSockets(): void {
  agent.destroy()
  agent = newAgent()
}

/** `count` clients. Legacy ones have done their handshake. */
export async function openClients(url: string, era: Era, count: number): Promise<readonly BenchClient[]> {
  const clients: BenchClient[] = []
  for (let i = 0; i < count; i += 16) {
    const some = Array.from({ length: Math.min(16, count - i) }, () => openClient(url, era))
    clients.push(...(await Promise.all(some)))
  }
  return clients
}

async function openClient(url: string, era: Era): Promise<BenchClient> {
  const client = randomBytes(16).toString('hex')
  if (era === 'modern') return { session: '-', version: '2026-07-28', client }
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1' },
  }
  const reply = await post(
    url,
    { jsonrpc: '2.0', id: 0, method: 'initialize', params },
    { 'x-exai-client': client },
  )
  if (reply.status !== 200)
    throw new Error(`initialize was answered ${reply.status}: ${reply.text.slice(0, 200)}`)
  const session = reply.session ?? '-'
  const version = /"protocolVersion":"([^"]+)"/.exec(reply.text)?.[1] ?? '2025-11-25'
  const headers = {
    'x-exai-client': client,
    'mcp-protocol-version': version,
    ...(session === '-' ? {} : { 'mcp-session-id': session }),
  }
  const done = await post(url, { jsonrpc: '2.0', method: 'notifications/initialized' }, headers)
  if (done.status >= 300)
    throw new Error(`initialized was answered ${done.status}: ${done.text.slice(0, 200)}`)
  return { session, version, client }
}

/** One message to a server; answers what came back. */
export function post(
  url: string,
  message: object,
  headers: Readonly<Record<string, string>>,
): Promise<{ status: number; session: string | undefined; text: string }> {
  const body = JSON.stringify(message)
  const length = String(Buffer.byteLength(body))
  return new Promise((done, fail) => {
    const sent = request(
      url,
      {
        method: 'POST',
        agent,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'content-length': length,
          ...headers,
        },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part
        })
        response.once('error', fail)
        response.once('end', () => {
          const session = response.headers['mcp-session-id']
          done({
            status: response.statusCode ?? 0,
            session: typeof session === 'string' ? session : undefined,
            text,
          })
        })
      },
    )
    sent.once('error', fail)
    sent.end(body)
  })
}

/** Opens the GET stream of a session and keeps it; answers how to close it. */
export function openStream(url: string, client: BenchClient): Promise<() => void> {
  return new Promise((done, fail) => {
    const sent = request(
      url,
      {
        agent: false,
        headers: {
          accept: 'text/event-stream',
          'mcp-protocol-version': client.version,
          'mcp-session-id': client.session,
          'x-exai-client': client.client,
        },
      },
      (response) => {
        response.on('error', () => sent.destroy())
        response.resume()
        if (response.statusCode === 200) done(() => sent.destroy())
        else fail(new Error(`the GET stream was answered ${response.statusCode}`))
      },
    )
    sent.once('error', fail)
    sent.end()
  })
}
