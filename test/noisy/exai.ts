// Our own server as a contestant: `exai serve` as a process, a key for each principal, MCP over HTTP.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Launched, launch, launcher } from '../support/launched.ts'
import { modernMeta } from '../support/mcp-wire.ts'
import { type Contestant, freshPrompt, post } from './contestant.ts'
import { principals } from './shapes.ts'
import { ended, type SimulatedVendor } from './simulated-vendor.ts'

/** Who is next in its queue. */
export type Order = 'fair' | 'first-come'

/** Starts it with the vendor's own number of slots. Throws when a key cannot be made or the server does not start. */
export async function startExai(order: Order, vendor: SimulatedVendor, slots: number): Promise<Contestant> {
  const folder = mkdtempSync(join(tmpdir(), 'exai-noisy-'))
  const wide = { requestsPerMinute: 1_000_000, burst: 100_000, concurrency: 1000 }
  const config = {
    listen: { mcp: 0 },
    dataDir: join(folder, 'data'),
    providers: {
      glm: {
        baseUrl: vendor.glm,
        accounts: [{ name: 'main', apiKeys: ['sim-glm-main'], concurrency: slots }],
      },
      kimi: false,
    },
    // Only the queue is to be seen, not the front door.
    limits: { client: wide, principal: wide, queue: { order } },
    log: { level: 'error' },
  }
  writeFileSync(join(folder, 'exai.yaml'), JSON.stringify(config))
  const env = { PATH: process.env.PATH, HOME: folder }
  const run = (...args: readonly string[]): Launched =>
    launch(process.execPath, [launcher, ...args], { cwd: folder, env })
  const keys: Record<string, string> = {}
  for (const principal of principals) {
    const made = run('key', 'add', principal, '--rpm', '1000000')
    const [key] = await made.until(/\bexai_[A-Za-z0-9_-]{30,}/)
    await made.ended
    keys[principal] = key
  }
  const server = run('serve')
  const [, url = ''] = await server.until(/(http:\/\/127\.0\.0\.1:\d+)\/mcp/)
  const agent = new Agent({ keepAlive: true })
  return {
    name: order === 'fair' ? 'exai' : 'exai, first come',
    knowsPrincipals: true,
    async ask(window, signal) {
      const headers = {
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${keys[window.principal] ?? ''}`,
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'chat',
        'x-exai-client': window.name,
        'x-exai-label': window.name,
      }
      const input = { prompt: freshPrompt(window), model: 'glm-5.2' }
      const params = { name: 'chat', arguments: input, _meta: modernMeta }
      const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params }
      const answer = await post(`${url}/mcp`, agent, headers, message, signal)
      return answer?.status === 200 &&
        answer.text.includes('[simulated]') &&
        !answer.text.includes('"isError":true')
        ? 'served'
        : 'refused'
    },
    settle: () => vendor.settle(),
    async stop() {
      agent.destroy()
      await ended(server)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
