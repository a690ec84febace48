// Who calls in the experiment: readers that never take a byte of what they asked for, and polite ones that are timed.

import { once } from 'node:events'
import { Agent, request as openRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { WebSocket } from 'ws'
import { modernMeta } from '../support/mcp-wire.ts'

/** Somebody who asks and does not read. */
export interface NonReader {
  leave(): void
}

function headersOf(client: string, tool: string): Readonly<Record<string, string>> {
  return {
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': tool,
    'x-exai-client': client,
    'x-exai-label': client,
  }
}

function callOf(id: number, tool: string, args: object): string {
  const params = { name: tool, arguments: args, _meta: { ...modernMeta, progressToken: id } }
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })
}

/** Over HTTP: one call of `flood`, and never a read. */
export async function silentHttp(port: number, client: string, flood: object): Promise<NonReader> {
  const socket: Socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.pause()
  const body = callOf(1, 'flood', flood)
  const head = {
    host: `127.0.0.1:${port}`,
    ...headersOf(client, 'flood'),
    'content-length': String(body.length),
  }
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`POST /mcp HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
  return { leave: () => socket.destroy() }
}

/** Over WebSocket: one call of `flood`, and beside it, evenly, calls whose results are `bytes` together, and never a read. */
export async function silentWebSocket(
  port: number,
  client: string,
  flood: { readonly bytes: number; readonly overMs: number },
): Promise<NonReader> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, 'mcp', { headers: { 'x-exai-client': client } })
  socket.on('error', () => undefined)
  await once(socket, 'open')
  socket.pause()
  socket.send(callOf(1, 'flood', flood))
  const results = Math.ceil(flood.bytes / 60_000)
  let id = 1
  const timer = setInterval(() => {
    id += 1
    if (id <= results + 1) socket.send(callOf(id, 'bulk', {}))
    else clearInterval(timer)
  }, flood.overMs / results)
  socket.on('close', () => clearInterval(timer))
  return { leave: () => socket.terminate() }
}

/** How the polite ones fared; milliseconds. */
export interface Fared {
  readonly waits: readonly number[]
  readonly failed: number
}

/** So many clients, each asking `quick` at an even pace for a while. */
export async function polite(port: number, clients: number, everyMs: number, forMs: number): Promise<Fared> {
  const agent = new Agent({ keepAlive: true })
  const waits: number[] = []
  let failed = 0
  const end = performance.now() + forMs
  const one = async (client: string, delayMs: number): Promise<void> => {
    await new Promise((done) => setTimeout(done, delayMs))
    for (let at = performance.now(); at < end; at += everyMs) {
      const begun = performance.now()
      if (await ask(agent, port, client)) waits.push(performance.now() - begun)
      else failed += 1
      await new Promise((done) => setTimeout(done, Math.max(0, at + everyMs - performance.now())))
    }
  }
  const names = Array.from({ length: clients }, (_, index) => `polite-${index}`)
  await Promise.all(names.map((name, index) => one(name, (index * everyMs) / clients)))
  agent.destroy()
  return { waits, failed }
}

function ask(agent: Agent, port: number, client: string): Promise<boolean> {
  const text = 't'.repeat(1_000)
  const options = {
    agent,
    port,
    host: '127.0.0.1',
    path: '/mcp',
    method: 'POST',
    headers: headersOf(client, 'quick'),
  }
  return new Promise((resolve) => {
    const sent = openRequest(options, (response) => {
      let got = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        got += piece
      })
      response.on('end', () => resolve(got.includes(text)))
      response.on('error', () => resolve(false))
    })
    sent.on('error', () => resolve(false))
    sent.end(callOf(1, 'quick', { text }))
  })
}
