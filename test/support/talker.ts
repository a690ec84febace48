// Any request of MCP through any door, and whatever the server says unasked: for tests of what is not a tool. A connection of its
// own for each request over HTTP, so that nothing is left open behind a test.

import { request as openRequest } from 'node:http'
import { WebSocket } from 'ws'
import { eventData, type Message, modernMeta } from './mcp-wire.ts'
import type { Json, WindowDoor } from './window-call.ts'

/** Who talks: over `url` (the server's, without a path), as the window `name`, with a key where one is needed. */
export interface TalkerFacts {
  readonly url: string
  readonly name: string
  readonly key?: string
  /** Goes on in a session that is there already. */
  readonly session?: string
}

/** Somebody who talks. */
export interface Talker {
  readonly door: WindowDoor
  /** The 2025-era session id; null elsewhere. */
  readonly session: string | null
  /** Notifications so far, whatever stream they came by. */
  readonly heard: Message[]
  request(method: string, params?: Json, meta?: Json): Promise<Message>
  /** Hears of changes from now on: by a GET stream, by `subscriptions/listen` with this filter, or as it is. */
  listen(filter: Json): Promise<void>
  /** Stops hearing and, unless told otherwise, leaves its session behind. */
  close(): void
}

/** Opens one, handshake included. */
export async function openTalker(door: WindowDoor, facts: TalkerFacts): Promise<Talker> {
  return door === 'websocket' ? overSocket(facts) : overHttp(door, facts)
}

const hello = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'talker', version: '1' },
}

async function overHttp(door: 'modern' | 'legacy', facts: TalkerFacts): Promise<Talker> {
  const heard: Message[] = []
  const closing = new AbortController()
  let ids = 0
  let session: string | null = facts.session ?? null
  const send = (
    verb: string,
    headers: Readonly<Record<string, string>>,
    body: string | null,
    onMessage: (message: Message) => void,
  ): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const own = {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'x-exai-client': facts.name,
        ...(facts.key === undefined ? {} : { authorization: `Bearer ${facts.key}` }),
        ...(session === null ? {} : { 'mcp-session-id': session }),
        ...headers,
      }
      const { signal } = closing
      const request = openRequest(
        `${facts.url}/mcp`,
        { method: verb, headers: own, agent: false, signal },
        (response) => {
          let text = ''
          const isStream = response.headers['content-type'] === 'text/event-stream'
          const id = response.headers['mcp-session-id']
          response.setEncoding('utf8').on('data', (piece: string) => {
            text += piece
            if (!isStream) return
            const events = text.split('\n\n')
            text = events.pop() ?? ''
            for (const data of events.map(eventData)) if (data !== '') onMessage(JSON.parse(data) as Message)
          })
          if (verb === 'GET') resolve(undefined)
          response.on('end', () => {
            if (text.startsWith('{')) onMessage(JSON.parse(text) as Message)
            resolve(typeof id === 'string' ? id : undefined)
          })
          response.on('error', () => resolve(undefined))
        },
      )
      request.on('error', (error) => (signal.aborted ? resolve(undefined) : reject(error)))
      request.end(body ?? undefined)
    })
  const ask = async (method: string, params: Json, meta: Json): Promise<Message> => {
    const id = ++ids
    const target = params.name ?? params.uri
    const headers =
      door === 'legacy'
        ? {}
        : {
            'mcp-protocol-version': '2026-07-28',
            'mcp-method': method,
            ...(typeof target === 'string' ? { 'mcp-name': target } : {}),
          }
    const _meta = door === 'legacy' ? meta : { ...modernMeta, ...meta }
    const body = JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } })
    let answer: Message = {}
    const opened = await send('POST', headers, body, (message) => {
      if (message.id === id) answer = message
      else heard.push(message)
    })
    session ??= opened ?? null
    return answer
  }
  if (door === 'legacy' && session === null) await ask('initialize', hello, {})
  return {
    door,
    get session() {
      return session
    },
    heard,
    request: (method, params = {}, meta = {}) => ask(method, params, meta),
    async listen(filter) {
      if (door === 'legacy') {
        await send('GET', {}, null, (message) => heard.push(message))
        return
      }
      void ask('subscriptions/listen', { notifications: filter }, {})
    },
    close: () => closing.abort(),
  }
}

async function overSocket(facts: TalkerFacts): Promise<Talker> {
  const socket = new WebSocket(`${facts.url.replace('http', 'ws')}/ws`, 'mcp', {
    headers: {
      'x-exai-client': facts.name,
      ...(facts.key === undefined ? {} : { authorization: `Bearer ${facts.key}` }),
    },
  })
  const heard: Message[] = []
  const waiting = new Map<number, (message: Message) => void>()
  let ids = 0
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => undefined)
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as Message
    if (typeof message.id === 'number') waiting.get(message.id)?.(message)
    else heard.push(message)
  })
  const ask = (method: string, params: Json, meta: Json): Promise<Message> =>
    new Promise((resolve) => {
      const id = ++ids
      waiting.set(id, resolve)
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }))
    })
  await ask('initialize', hello, {})
  return {
    door: 'websocket',
    session: null,
    heard,
    request: (method, params = {}, meta = {}) => ask(method, params, meta),
    listen: async () => undefined,
    close: () => socket.close(),
  }
}
