import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { VirtualClock } from '../../lib/virtual-clock.ts'
import { openDemoPlay } from './play.ts'

interface Asked {
  readonly id?: unknown
  readonly method?: string
  readonly params?: { readonly name?: string; readonly arguments?: Readonly<Record<string, unknown>> }
}

describe('the play of the demo', () => {
  it('never asks for an answer that is kept or shared, for which nobody would stand in line', async () => {
    const calls: (NonNullable<Asked['params']> & { readonly client: unknown })[] = []
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await new Promise((resolve) => server.once('listening', resolve))
    server.on('connection', (socket, { headers }) =>
      socket.on('message', (data) => {
        const { id, method, params } = JSON.parse(String(data)) as Asked
        if (method === 'tools/call' && params !== undefined)
          calls.push({ ...params, client: headers['x-exai-client'] })
        if (id !== undefined) socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: {} }))
      }),
    )
    const clock = new VirtualClock()
    const failures: Error[] = []
    const { port } = server.address() as AddressInfo
    const play = openDemoPlay(`ws://127.0.0.1:${port}`, clock, (error) => failures.push(error))
    try {
      // Six windows, each with two tools in turn.
      await expect
        .poll(
          async () => {
            await clock.advance(100)
            return new Set(calls.map(({ client, name }) => `${client} ${name}`)).size
          },
          { timeout: 60_000, interval: 10 },
        )
        .toBe(12)
      expect(calls.filter((call) => call.arguments?.fresh !== true)).toEqual([])
      // These are made once for all who ask the same at the same moment, fresh or not.
      for (const tool of ['analyze_document', 'summarize', 'web_search']) {
        const asked = new Map<unknown, string>()
        for (const call of calls.filter(({ name }) => name === tool))
          asked.set(call.client, JSON.stringify(call.arguments))
        expect(new Set(asked.values()).size, tool).toBe(asked.size)
      }
    } finally {
      play.close()
      for (const client of server.clients) client.terminate()
      await new Promise((resolve) => server.close(resolve))
    }
    expect(failures).toEqual([])
  })
})
