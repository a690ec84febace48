// A window over one WebSocket, in the 2025 era. It counts its request ids from 1, as the windows over HTTP do.

import { WebSocket } from 'ws'
import type { Message } from './mcp-wire.ts'
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

/** Opens a window over a WebSocket, handshake included. */
export async function openSocketWindow(facts: WindowFacts): Promise<Window> {
  const isNamed = !(facts.isAnonymous ?? true)
  const socket = new WebSocket(`${facts.url.replace('http', 'ws')}/ws`, 'mcp', {
    headers: {
      ...(isNamed ? { 'x-exai-client': facts.name } : {}),
      ...(facts.key === undefined ? {} : { authorization: `Bearer ${facts.key}` }),
      'x-exai-label': encodeURIComponent(facts.name),
    },
  })
  const calls = new Map<number, OpenCall>()
  const waiting = new Map<number, (message: Message) => void>()
  let ids = 0
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => {
      for (const call of calls.values()) call.over()
      resolve({ code, reason: String(reason) })
    })
  })
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  // An error after the opening is followed by `close`, which ends every call.
  socket.on('error', () => undefined)
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as Message
    if (message.method === 'roots/list') socket.send(rootsAnswer(message.id, facts.root ?? '/'))
    else if (message.method === 'notifications/progress')
      calls.get(Number(message.params?.progressToken))?.take(message)
    else if (typeof message.id === 'number') {
      waiting.get(message.id)?.(message)
      calls.get(message.id)?.take(message)
    }
  })
  const write = (message: Json): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
  }
  const request = (method: string, params: Json): Promise<Message> =>
    new Promise((resolve) => {
      const id = ++ids
      waiting.set(id, resolve)
      write({ id, method, params })
    })
  await request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: facts.root === undefined ? {} : { roots: {} },
    clientInfo: { name: facts.name, version: '1' },
  })
  write({ method: 'notifications/initialized' })
  ids = 0
  waiting.clear()
  const call = (tool: string, input: Json): WindowCall => {
    const open = new OpenCall(++ids)
    open.started(200)
    calls.set(open.id, open)
    // A cancelled request is never answered, and nothing on a shared connection tells its end.
    open.cancel = async () => {
      write({ method: 'notifications/cancelled', params: { requestId: open.id } })
      open.over()
    }
    open.leave = () => socket.terminate()
    write({ id: open.id, method: 'tools/call', params: callParams(tool, input, open.id) })
    return open
  }
  return {
    name: facts.name,
    door: 'websocket',
    call,
    ask: (tool, input) => asked(call(tool, input)),
    tools: async () => namesOf(await request('tools/list', {})),
    closed,
    async close() {
      socket.terminate()
      await closed
    },
  }
}
