// One server through several lives: started plainly, killed outright and started again, or replaced under way by another process.
// Real processes on one port and one data folder; their logs are read together.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Launched, launch, launcher } from '../../support/launched.ts'
import { askedOverHttp, nothingInProgress } from '../../support/leftovers.ts'
import type { Simulator } from '../processes.ts'

/** What the lives have in common. */
export interface LivesOptions {
  readonly home: string
  readonly simulator: Simulator
  readonly slots: number
  /** A module that is loaded before the launcher and plants a fault. */
  readonly preload: string | null
}

/** A change of life, in ms since the epoch: from its beginning until the next server was up. */
export interface Restart {
  readonly kind: 'killed' | 'replaced'
  readonly at: number
  upAt: number
}

/** A line of a log about a client, `time` in ms since the epoch. */
export interface LoggedEvent {
  readonly msg: string
  readonly time: number
  readonly label: string
}

/** So long a supervisor waits before it starts a killed server again: long enough that whoever calls on finds nobody. */
const supervisorMs = 1_000

/** The server, whichever process it is. */
export class Lives {
  readonly port: number
  /** The line it prints for people to paste. */
  readonly line: string
  readonly restarts: Restart[] = []
  readonly #options: LivesOptions
  readonly #all: Launched[]
  #up: Promise<void> = Promise.resolve()

  private constructor(options: LivesOptions, first: Launched, port: number, line: string) {
    this.#options = options
    this.#all = [first]
    this.port = port
    this.line = line
  }

  /** Starts the first life. */
  static async begin(options: LivesOptions): Promise<Lives> {
    const { home, simulator, slots } = options
    const folder = join(home, 'server')
    mkdirSync(folder, { recursive: true })
    const account = (vendor: 'glm' | 'kimi'): object => ({
      baseUrl: simulator[vendor],
      accounts: [{ name: 'main', apiKeys: [`sim-${vendor}-main`], concurrency: slots }],
    })
    // JSON is YAML.
    const config = {
      dataDir: join(folder, 'data'),
      providers: { glm: account('glm'), kimi: account('kimi') },
      limits: { principal: { concurrency: 64 } },
      log: { level: 'debug' },
    }
    writeFileSync(join(folder, 'exai.yaml'), JSON.stringify(config, null, 2))
    const first = serve(options, ['--port', '0'])
    const [, port = ''] = await first.until(/http:\/\/127\.0\.0\.1:(\d+)\/mcp/)
    const [, line = ''] = await first.until(/^\W*(claude mcp add-json .*\S)\s*$/m)
    return new Lives(options, first, Number(port), line)
  }

  /** Resolves when a server is up. */
  async up(): Promise<void> {
    await this.#up
  }

  /**
   * Resolves when a server is up that was not killed within the last `forMs`, and has been up for as long as there was none: windows
   * dial ever more rarely.
   */
  async settled(forMs: number): Promise<void> {
    for (;;) {
      await this.#up
      const killed = this.restarts.findLast(({ kind }) => kind === 'killed')
      const leftMs = killed === undefined ? 0 : killed.upAt + forMs + (killed.upAt - killed.at) - Date.now()
      if (leftMs <= 0) return
      await new Promise((done) => setTimeout(done, leftMs))
    }
  }

  /** `kill -9`, then a start as its supervisor would do it. */
  async kill(): Promise<void> {
    const now = this.#now()
    const restart: Restart = { kind: 'killed', at: Date.now(), upAt: Number.POSITIVE_INFINITY }
    this.restarts.push(restart)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#up = promise
    now.child.kill('SIGKILL')
    await now.ended
    await new Promise((done) => setTimeout(done, supervisorMs))
    await this.#start([])
    restart.upAt = Date.now()
    resolve()
  }

  /** `exai serve --replace`; resolves when the new one serves, with the end of the old one. */
  async replace(): Promise<Pick<Launched, 'ended'>> {
    const old = this.#now()
    const restart: Restart = { kind: 'replaced', at: Date.now(), upAt: Number.POSITIVE_INFINITY }
    this.restarts.push(restart)
    await this.#start(['--replace'])
    restart.upAt = Date.now()
    return old
  }

  /** The lines of its logs with this message; the last second before a kill is lost. */
  logged(message: string): readonly LoggedEvent[] {
    return this.#all.flatMap(({ stderr }) =>
      [...stderr().matchAll(/^\{.*\}$/gm)]
        .map(([line]) => JSON.parse(line) as LoggedEvent)
        .filter(({ msg }) => msg === message),
    )
  }

  /** Rejects with what is still in progress after `withinMs`. */
  allZero(withinMs: number): Promise<void> {
    const inspect = async (): Promise<Record<string, unknown>> => {
      const headers = { connection: 'close' }
      const response = await fetch(`http://127.0.0.1:${this.port}/api/inspect`, { headers })
      return (await response.json()) as Record<string, unknown>
    }
    return nothingInProgress(inspect, askedOverHttp, withinMs)
  }

  /** The end of what the server that runs now has said. */
  lastWords(): string {
    return this.#now().stderr().slice(-2000)
  }

  /** Stops the last life; answers its exit code. */
  async stop(): Promise<number | string> {
    for (const { child } of this.#all) child.kill('SIGTERM')
    return await this.#now().ended
  }

  async #start(flags: readonly string[]): Promise<void> {
    const next = serve(this.#options, ['--port', String(this.port), ...flags])
    this.#all.push(next)
    await next.until(/http:\/\/127\.0\.0\.1:\d+\/mcp/)
  }

  #now(): Launched {
    const now = this.#all.at(-1)
    if (now === undefined) throw new Error('no server was ever started')
    return now
  }
}

function serve({ home, preload }: LivesOptions, flags: readonly string[]): Launched {
  const planted = preload === null ? [] : ['--import', preload]
  return launch(process.execPath, [...planted, launcher, 'serve', ...flags], {
    cwd: join(home, 'server'),
    env: { PATH: process.env.PATH, HOME: home },
  })
}
