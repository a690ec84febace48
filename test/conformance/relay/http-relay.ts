// An HTTP server in front of another door, so that a suite that speaks HTTP looks at what is said there: a line of its own
// for each session of the 2025 era, and for each request without a session. What is HTTP's own (sessions, streams, statuses) is the
// relay's, and proves nothing about the server.

import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Dial, Line } from './line.ts'
import { WaysBack } from './ways-back.ts'

/** A running relay. */
export interface Relay {
  readonly url: string
  close(): Promise<void>
}

interface Session {
  readonly line: Line
  readonly ways: WaysBack
}

interface Message {
  readonly id?: string | number
  readonly method?: string
  readonly params?: { readonly _meta?: { readonly progressToken?: unknown } }
}

/** Starts it on a free loopback port. */
export async function startRelay(dial: Dial): Promise<Relay> {
  const sessions = new Map<string, Session>()

  async function connect(request: IncomingMessage, response: ServerResponse): Promise<Session | null> {
    const line = await dial(request.headers)
    if ('status' in line) {
      response.writeHead(line.status, { 'content-type': 'text/plain' }).end(line.text)
      return null
    }
    const ways = new WaysBack()
    line.onTold = (told) => ways.tell(told)
    line.onClosed = () => ways.end()
    return { line, ways }
  }

  function forward({ line, ways }: Session, text: string, response: ServerResponse): void {
    const { id, method, params } = read(text)
    if (method !== undefined && id !== undefined) ways.expect(id, params?._meta?.progressToken, response)
    else response.writeHead(202).end()
    line.send(text)
  }

  async function post(request: IncomingMessage, response: ServerResponse, text: string): Promise<void> {
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (known !== undefined) forward(known, text, response)
    else if (id !== undefined) response.writeHead(404).end()
    else {
      const session = await connect(request, response)
      if (session === null) return
      if (read(text).method === 'initialize') {
        const own = randomUUID()
        sessions.set(own, session)
        response.setHeader('mcp-session-id', own)
      } else response.once('close', () => session.line.close())
      forward(session, text, response)
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'POST') {
      let text = ''
      for await (const piece of request.setEncoding('utf8')) text += String(piece)
      await post(request, response, text)
      return
    }
    const id = String(request.headers['mcp-session-id'])
    const session = sessions.get(id)
    if (session === undefined) response.writeHead(404).end()
    else if (request.method === 'GET') session.ways.listen(response)
    else {
      sessions.delete(id)
      session.line.close()
      response.writeHead(204).end()
    }
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(502)
      response.end(`The relay broke: ${String(error)}`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async close() {
      for (const { line } of sessions.values()) line.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

// What is no message of ours goes on as it is: the server shall say what is wrong with it.
function read(text: string): Message {
  try {
    const message: unknown = JSON.parse(text)
    return typeof message === 'object' && message !== null ? message : {}
  } catch {
    return { id: 0, method: '' }
  }
}
