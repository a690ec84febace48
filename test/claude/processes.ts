// The server and the simulator as real processes, as people start them: `bin/exai.js serve` and `bin/exai.js simulate`.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Launched, launch, launcher } from '../support/launched.ts'
import { askedOverHttp, nothingInProgress } from '../support/leftovers.ts'
import { type JobTimes, jobWords } from './jobs.ts'

/** A request as the simulator logged it; times in ms since the epoch. */
export interface VendorRequest {
  readonly vendor: 'glm' | 'kimi'
  readonly operation: string
  readonly about: string
  readonly startedAt: number
  readonly endedAt: number
  readonly outcome: string
  readonly plannedMs: number
}

/** The simulator, playing both vendors. */
export interface Simulator {
  readonly glm: string
  readonly kimi: string
  requests(): Promise<readonly VendorRequest[]>
  stop(): Promise<void>
}

/** Slots of each vendor, at the simulator and in the server's config alike. */
export interface Slots {
  readonly glm: number
  readonly kimi: number
}

/** Starts the simulator with the jobs' times. */
export async function startSimulator(times: JobTimes, slots: Slots): Promise<Simulator> {
  const rule = (job: keyof JobTimes): object => ({ match: jobWords[job], serviceMs: times[job] })
  const control = {
    glm: {
      concurrency: { default: slots.glm, search: slots.glm },
      serviceMs: { search: times.search },
      rules: [rule('review'), rule('slow'), rule('chat')],
    },
    kimi: { concurrency: slots.kimi, rules: [rule('pdf'), rule('summary')] },
  }
  const child = launch(process.execPath, [
    launcher,
    'simulate',
    '--port',
    '0',
    '--control',
    JSON.stringify(control),
  ])
  const said = await child.until(/\{"simulator":.*\}/)
  const { simulator: url, glm, kimi } = JSON.parse(said[0]) as Record<'simulator' | 'glm' | 'kimi', string>
  return {
    glm,
    kimi,
    async requests() {
      const stats = (await getJson(`${url}/__stats`)) as Record<'glm' | 'kimi', { log: VendorRequest[] }>
      return (['glm', 'kimi'] as const).flatMap((vendor) =>
        stats[vendor].log.map((each) => ({ ...each, vendor })),
      )
    },
    stop: () => end(child),
  }
}

/** A client as the server sees it. */
export interface InspectedClient {
  readonly client: string | null
  readonly label: string
  readonly callsInFlight: number
}

/** A call as the server logged it when it ended; `time` in ms since the epoch, `ms` its duration. */
export interface LoggedCall {
  readonly call: string
  readonly tool: string
  readonly door: 'http' | 'websocket'
  readonly client: string
  readonly ms: number
  readonly time: number
  readonly failure?: string
}

/** A progress message about waiting, and the call it was for. */
export interface HeardWord {
  readonly heard: string
  readonly message: string
}

/** The server. */
export interface ExaiServer {
  readonly port: number
  /** The line it prints for people to paste. */
  readonly line: string
  clients(): Promise<readonly InspectedClient[]>
  /** Rejects with what is still in progress after `withinMs`. */
  allZero(withinMs: number): Promise<void>
  calls(): readonly LoggedCall[]
  /** What windows were told while they waited; only with `ears.ts` loaded. */
  heard(): readonly HeardWord[]
  stop(): Promise<number | string>
  output(): string
}

/** What the server is started with. */
export interface ExaiServerOptions {
  /** Plays the home of the server's owner: the windows' folders lie inside it, so they may be read. */
  readonly home: string
  readonly simulator: Simulator
  readonly slots: Slots
  readonly allowedHosts: readonly string[]
  /** How long a job may wait for its slot, in milliseconds; null: as configured. */
  readonly queueWaitMs: number | null
  /** A module that is loaded before the launcher and plants a fault. */
  readonly preload: string | null
}

/** Starts the server on a port of its own. */
export async function startServer(options: ExaiServerOptions): Promise<ExaiServer> {
  const { home, simulator, slots, preload, queueWaitMs } = options
  const folder = join(home, 'server')
  mkdirSync(folder, { recursive: true })
  const account = (vendor: 'glm' | 'kimi'): object => ({
    baseUrl: simulator[vendor],
    accounts: [{ name: 'main', apiKeys: [`sim-${vendor}-main`], concurrency: slots[vendor] }],
  })
  // JSON is YAML.
  const config = {
    listen: { mcp: 0 },
    allowedHosts: options.allowedHosts,
    dataDir: join(folder, 'data'),
    providers: { glm: account('glm'), kimi: account('kimi') },
    // Ten windows with four calls each are more than the 32 calls that one principal has by default.
    limits: {
      principal: { concurrency: 64 },
      ...(queueWaitMs === null ? {} : { callTimeoutMs: 2 * queueWaitMs, queue: { waitMs: queueWaitMs } }),
    },
  }
  writeFileSync(join(folder, 'exai.yaml'), JSON.stringify(config, null, 2))
  const flags = preload === null ? [] : ['--import', preload]
  const child = launch(process.execPath, [...flags, launcher, 'serve'], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: home },
  })
  const [, port = ''] = await child.until(/http:\/\/127\.0\.0\.1:(\d+)\/mcp/)
  const [, line = ''] = await child.until(/^\W*(claude mcp add-json .*\S)\s*$/m)
  const inspect = async (): Promise<Readonly<Record<string, unknown>>> =>
    (await getJson(`http://127.0.0.1:${port}/api/inspect`)) as Record<string, unknown>
  return {
    port: Number(port),
    line,
    async clients() {
      const { mcp } = (await inspect()) as { mcp: { clients: readonly InspectedClient[] } }
      return mcp.clients
    },
    allZero: (withinMs) => nothingInProgress(inspect, askedOverHttp, withinMs),
    calls: () =>
      [...child.stderr().matchAll(/^\{.*\}$/gm)]
        .map(([text]) => JSON.parse(text) as LoggedCall)
        .filter((line) => typeof line.ms === 'number' && typeof line.tool === 'string'),
    heard: () =>
      [...child.stderr().matchAll(/^\{"heard".*\}$/gm)].map(([text]) => JSON.parse(text) as HeardWord),
    async stop() {
      child.child.kill('SIGTERM')
      return await child.ended
    },
    output: () => child.stdout() + child.stderr(),
  }
}

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url, { headers: { connection: 'close' } })
  if (!response.ok) throw new Error(`${url} was answered ${response.status}: ${await response.text()}`)
  return response.json()
}

async function end(child: Launched): Promise<void> {
  child.child.kill('SIGTERM')
  await child.ended
}
