// The whole server for a scenario: `createServer` from a config file in a home of its own, both vendors simulated, the log
// captured. `stop` ends everything and throws if anything was left in progress or open.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request as openRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ControlPatch } from '../../simulator/control.ts'
import { createSimulator, type Simulator } from '../../simulator/server.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { createServer, type Server } from '../../src/server.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { openHttpWindow } from './http-window.ts'
import { nothingInProgress, nothingLeftOpen, type Own, openHandles } from './leftovers.ts'
import { openSocketWindow } from './socket-window.ts'
import type { Window, WindowDoor, WindowFacts } from './window-call.ts'

/** The keys in use: no part of them may show anywhere. */
export const fixtureKeys = {
  glm: 'sim-glm-account01.simulated-secret',
  kimi: 'sim-kimi-account02-simulated-secret',
} as const

/** What of keys, organisations and accounts must never be shown. */
export const secretPattern: RegExp = /account0[12]|simulated-secret/

/** What a scenario may set. */
export interface FixtureOptions {
  /** `exai.yaml`; the simulator's addresses, the keys, the port and the data folder come from the environment. */
  readonly yaml?: string
  readonly simulator?: ControlPatch
  readonly clock?: Clock
  /** The clock of the vendors' limits a minute and a day; the machine's when absent. */
  readonly vendorNow?: () => number
  /** False: no provider has a key. */
  readonly hasKeys?: boolean
  readonly extraTools?: readonly Tool[]
  /** Lays down what the server is to find in its data folder. */
  prepare?(dataDir: string): Promise<void>
}

/** An answer to a plain HTTP request. */
export interface PlainAnswer {
  readonly status: number
  readonly text: string
}

/** The parts of `inspect()` that scenarios read. */
export interface Inspected {
  readonly isDraining: boolean
  readonly calls: {
    readonly inFlight: number
    readonly finished: number
    readonly abandoned: number
    readonly failed: Readonly<Record<string, number>>
    readonly refused: Readonly<Record<string, number>>
  }
  readonly clients: readonly {
    readonly principal: string
    readonly client: string | null
    readonly label: string
    readonly inFlight: number
    readonly calls: number
  }[]
  readonly groups: Readonly<
    Record<string, { capacity: number; held: number; waiting: number; order: string }>
  >
  readonly mcp: { readonly clients: readonly { readonly label: string }[]; readonly callsInFlight: number }
}

/** A running server with its vendors. */
export interface ServerFixture {
  readonly server: Server
  readonly simulator: Simulator
  readonly url: string
  readonly port: number
  /** The home of the server's owner: windows' folders lie in it. */
  readonly home: string
  /** Everything logged so far. */
  log(): string
  inspect(): Inspected
  /** Opens a window; `stop` closes it. */
  window(door: WindowDoor, name: string, more?: Partial<WindowFacts>): Promise<Window>
  /** One plain request on a connection of its own. */
  plain(
    method: string,
    path: string,
    options?: { readonly headers?: Readonly<Record<string, string>>; readonly body?: Buffer | string },
  ): Promise<PlainAnswer>
  /** Closes the windows, then throws unless the server's and the vendors' books are at zero, but for what is `own`ed. */
  settle(own?: Own): Promise<void>
  /** `settle`, then ends everything; throws when a handle is left open. */
  stop(own?: Own): Promise<void>
}

/** Starts a server on a free loopback port. */
export async function startServer(options: FixtureOptions = {}): Promise<ServerFixture> {
  const handles = openHandles()
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'exai-server-')))
  mkdirSync(join(home, 'etc'))
  writeFileSync(join(home, 'etc', 'exai.yaml'), options.yaml ?? '')
  await options.prepare?.(join(home, 'data'))
  const simulator = createSimulator(options.simulator, options.vendorNow)
  await simulator.listen()
  const keys =
    options.hasKeys === false ? {} : { ZAI_API_KEY: fixtureKeys.glm, MOONSHOT_API_KEY: fixtureKeys.kimi }
  const config = loadConfig({
    cwd: join(home, 'etc'),
    env: {
      HOME: home,
      EXAI_PORT: '0',
      EXAI_DATA_DIR: join(home, 'data'),
      EXAI_GLM_BASE_URL: simulator.glmBaseUrl,
      EXAI_KIMI_BASE_URL: simulator.kimiBaseUrl,
      ...keys,
    },
  })
  let log = ''
  const server = await atHome(home, () =>
    createServer({
      config,
      log: {
        write(line) {
          log += line
        },
      },
      ...(options.clock ? { clock: options.clock } : {}),
      ...(options.extraTools ? { extraTools: options.extraTools } : {}),
    }),
  )
  const { url, port } = await server.listen()
  const windows: Window[] = []
  const fixture: ServerFixture = {
    server,
    simulator,
    url,
    port,
    home,
    log: () => log,
    inspect: () => server.inspect() as unknown as Inspected,
    async window(door, name, more) {
      const facts = { url, name, ...more }
      const window = await (door === 'websocket' ? openSocketWindow(facts) : openHttpWindow(door, facts))
      windows.push(window)
      return window
    },
    plain: (method, path, more) => plain(`${url}${path}`, method, more?.headers ?? {}, more?.body),
    async settle(own) {
      await Promise.all(windows.splice(0).map((window) => window.close()))
      await nothingInProgress(server.inspect, own)
      await nothingInProgress(() => {
        const { glm, kimi } = simulator.stats(0)
        return { glm: { inFlight: glm.inFlight }, kimi: { inFlight: kimi.inFlight } }
      })
    },
    async stop(own) {
      try {
        await fixture.settle(own)
      } finally {
        await server.destroy()
        await simulator.close()
        rmSync(home, { recursive: true, force: true })
      }
      await nothingLeftOpen(handles)
    },
  }
  return fixture
}

/** Starts, runs, and stops, whatever happened in between. The body's own failure goes before that of `stop`. */
export async function withServer(
  options: FixtureOptions,
  run: (fixture: ServerFixture) => Promise<void>,
): Promise<void> {
  const fixture = await startServer(options)
  const failures: unknown[] = []
  await run(fixture).catch((error: unknown) => failures.push(error))
  // A vendor that is held back would hold its callers too.
  fixture.simulator.control({ glm: { gate: 'open' }, kimi: { gate: 'open' } })
  await fixture.stop().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}

// The server asks the machine for its owner's home once, when it is made.
async function atHome<Value>(home: string, run: () => Promise<Value>): Promise<Value> {
  const own = process.env.HOME
  process.env.HOME = home
  try {
    return await run()
  } finally {
    if (own === undefined) delete process.env.HOME
    else process.env.HOME = own
  }
}

function plain(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body?: Buffer | string,
): Promise<PlainAnswer> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false })
    const request = openRequest(url, { agent, method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    request.on('error', reject)
    request.end(body)
  })
}
