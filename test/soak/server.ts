// The server under soak: `exai serve` as it is packed, a process of its own with a probe inside, before two simulated vendors. What it may
// keep for a while by design (answers, late results, clients) it keeps for seconds, so that what stays is a leak.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launcher } from '../support/launched.ts'
import type { Held } from './probe.ts'
import type { Vendors } from './vendors.ts'

/** A server under soak. */
export interface SoakedServer {
  readonly url: string
  /** Collects, and answers what is left. */
  held(): Promise<Held>
  inspect(): Promise<Readonly<Record<string, unknown>>>
  /** Has dead keys tried again. */
  revive(): Promise<void>
  /** What it said beside its first screen, and its log. */
  said(): string
  /** Ends it as its person would, and answers the exit code. */
  stop(): Promise<number | null>
}

// The simulator has no such limits; without a word ours would think of the lowest tier.
const rates = { requestsPerMinute: 1_000_000, tokensPerMinute: 1_000_000_000 }
const wide = { requestsPerMinute: 1_000_000, burst: 100_000 }

/** Starts it; `plant` is a file of plants/. Throws with what it said when it ends before it listens. */
export async function startServer({ glm, kimi }: Vendors, plant: string | undefined): Promise<SoakedServer> {
  const folder = mkdtempSync(join(tmpdir(), 'exai-soak-'))
  const dataDir = join(folder, 'data')
  const config = {
    listen: { mcp: 0 },
    dataDir,
    providers: {
      glm: { baseUrl: glm, accounts: [{ name: 'main', apiKeys: ['sim-glm-main'], concurrency: 4 }] },
      kimi: {
        baseUrl: kimi,
        accounts: [{ name: 'main', apiKeys: ['sim-kimi-main'], concurrency: 8, rates }],
      },
    },
    limits: {
      client: { ...wide, concurrency: 8 },
      principal: { ...wide, concurrency: 64 },
      maxClients: 100,
      callTimeoutMs: 8_000,
    },
    cache: { freshMs: 2_000, staleMs: 10_000 },
    lateResults: { keepMs: 5_000 },
    models: { chains: { chat: ['glm-5.2', 'kimi-k3', 'glm-4.6', 'kimi-k2.7-code'] } },
    log: { level: 'warn' },
  }
  writeFileSync(join(folder, 'exai.yaml'), JSON.stringify(config))
  const imports = [new URL('./probe.ts', import.meta.url).href]
  if (plant !== undefined) imports.push(new URL(`./plants/${plant}.ts`, import.meta.url).href)
  const child = fork(launcher, ['serve'], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
    execArgv: ['--expose-gc', ...imports.flatMap((path) => ['--import', path])],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  const ended = once(child, 'exit') as Promise<[number | null]>
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      // The beginning and the end: half an hour of warnings is not for keeping.
      said = said.length < 200_000 ? said + text : said.slice(0, 100_000) + (said + text).slice(-50_000)
      const found = /(http:\/\/127\.0\.0\.1:\d+)\/mcp/.exec(said)?.[1]
      if (found !== undefined) resolve(found)
    })
    void ended.then(([code]) => reject(new Error(`the server ended with ${code}: ${said}`)))
  })
  const token = readFileSync(join(dataDir, 'operator-token'), 'utf8').trim()
  return {
    url,
    async held() {
      child.send('what do you hold?')
      const [held] = (await once(child, 'message')) as [Held]
      return held
    },
    inspect: async () =>
      (await (await fetch(`${url}/api/inspect`)).json()) as Readonly<Record<string, unknown>>,
    async revive() {
      const headers = { origin: url, 'x-exai-token': token }
      await (await fetch(`${url}/api/revive`, { method: 'POST', headers, body: '{}' })).arrayBuffer()
    },
    said: () => said,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await ended
      rmSync(folder, { recursive: true, force: true })
      return code
    },
  }
}
