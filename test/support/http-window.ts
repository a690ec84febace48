// A window over HTTP, of either era, on sockets of its own: stateless requests of 2026-07-28, or a 2025-era session. It
// counts its request ids from 1, so that windows differ in nothing but who they are.

import { Agent, type ClientRequest, type IncomingHttpHeaders, request as openRequest } from 'node:http'
import { eventData, type Message, modernMeta } from './mcp-wire.ts'
import {
  asked,
  callParams,
  type Json,
  namesOf,
  OpenCall,
  rootsAnswer,
  type Window,
  type WindowCall,
  type WindowFacts,
} from './window-call.ts'

interface Reply {
  head(status: number, headers: IncomingHttpHeaders): void
  message(message: Message): void
  /** Called once, however it ended. */
  end(): void
}

/** One HTTP request of any kind, its answer's messages told one by one. */
function send(
  agent: Agent,
  url: string,
  method: string,
  headers: Json,
  body: string,
  reply: Reply,
): ClientRequest {
  let isOver = false
  let hasResponse = false
  const end = (): void => {
    if (isOver) return
    isOver = true
    reply.end()
  }
  const request = openRequest(
    url,
    { agent, method, headers: headers as Record<string, string> },
    (response) => {
      hasResponse = true
      reply.head(response.statusCode ?? 0, response.headers)
      const isStream = response.headers['content-type'] === 'text/event-stream'
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
        if (!isStream) return
        const events = text.split('\n\n')
        text = events.pop() ?? ''
        for (const event of events) {
          const data = eventData(event)
          if (data !== '') reply.message(JSON.parse(data) as Message)
        }
      })
      response.on('close', () => {
        if (!isStream && response.complete && text.startsWith('{')) reply.message(JSON.parse(text) as Message)
        end()
      })
      // Told by `close`, which follows.
      response.on('error', () => undefined)
    },
  )
  // Once there is a response, that one tells the end.
  request.on('error', () => !hasResponse && end())
  request.on('close', () => !hasResponse && end())
  request.end(body)
  return request
}

/** Opens a window over HTTP; `legacy` makes its handshake first. */
export async function openHttpWindow(door: 'modern' | 'legacy', facts: WindowFacts): Promise<Window> {
  const agent = new Agent({ keepAlive: true })
  const url = `${facts.url}/mcp`
  const isModern = door === 'modern'
  const isNamed = !(facts.isAnonymous ?? !isModern)
  let session: Json = {}
  let ids = 0
  const headersOf = (method: string, name?: string): Json => ({
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(isModern ? { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method } : session),
    ...(isModern && name !== undefined ? { 'mcp-name': name } : {}),
    ...(isNamed ? { 'x-exai-client': facts.name } : {}),
    ...(facts.key === undefined ? {} : { authorization: `Bearer ${facts.key}` }),
    'x-exai-label': encodeURIComponent(facts.name),
    ...(isModern && facts.root !== undefined ? { 'x-exai-root': encodeURIComponent(facts.root) } : {}),
  })
  const post = (method: string, params: Json, reply: Reply, id?: number): ClientRequest => {
    const name = typeof params.name === 'string' ? params.name : undefined
    const meta = { ...modernMeta, ...(params._meta as Json | undefined) }
    const full = isModern ? { ...params, _meta: meta } : params
    const body = JSON.stringify({ jsonrpc: '2.0', ...(id === undefined ? {} : { id }), method, params: full })
    return send(agent, url, 'POST', headersOf(method, name), body, reply)
  }
  const request = (
    method: string,
    params: Json,
  ): Promise<{ message: Message; headers: IncomingHttpHeaders }> =>
    new Promise((resolve, reject) => {
      let seen: IncomingHttpHeaders = {}
      post(
        method,
        params,
        {
          head: (_status, headers) => {
            seen = headers
          },
          message: (message) => resolve({ message, headers: seen }),
          end: () => reject(new Error(`${method} was not answered`)),
        },
        ++ids,
      )
    })
  const notify = (body: string): Promise<void> =>
    new Promise((resolve) => {
      send(agent, url, 'POST', headersOf(''), body, {
        head: () => undefined,
        message: () => undefined,
        end: resolve,
      })
    })
  if (!isModern) {
    const { headers } = await request('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: facts.root === undefined ? {} : { roots: {} },
      clientInfo: { name: facts.name, version: '1' },
    })
    session = { 'mcp-session-id': String(headers['mcp-session-id']) }
    ids = 0
  }
  const call = (tool: string, input: Json): WindowCall => {
    const id = ++ids
    const open = new OpenCall(id)
    const sent = post(
      'tools/call',
      callParams(tool, input, id),
      {
        head: (status) => open.started(status),
        message(message) {
          if (message.method === 'roots/list') void notify(rootsAnswer(message.id, facts.root ?? '/'))
          else open.take(message)
        },
        end: () => open.over(),
      },
      id,
    )
    open.leave = () => sent.destroy()
    if (!isModern) {
      open.cancel = () =>
        notify(
          JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }),
        )
    }
    return open
  }
  return {
    name: facts.name,
    door,
    call,
    ask: (tool, input) => asked(call(tool, input)),
    tools: async () => namesOf((await request('tools/list', {})).message),
    closed: new Promise(() => undefined),
    async close() {
      if (!isModern) {
        await new Promise<void>((resolve) => {
          send(agent, url, 'DELETE', headersOf(''), '', {
            head: () => undefined,
            message: () => undefined,
            end: resolve,
          })
        })
      }
      agent.destroy()
    },
  }
}
