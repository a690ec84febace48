// `exai serve`: loads the config, starts the server, shows the first screen, and drains it when asked to stop.

import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/config-error.ts'
import { loadConfig } from '../config/load.ts'
import type { ConfigFlags } from '../config/overrides.ts'
import { systemClock } from '../lib/clock.ts'
import { makeFolder } from '../lib/make-folder.ts'
import { packageVersion } from '../lib/package-version.ts'
import { releaseYoungHeap } from '../lib/young-heap.ts'
import { longestCallMs } from '../routing/call-times.ts'
import { createServer, type Server } from '../server.ts'
import { connectLine } from './connect-line.ts'
import { firstScreen } from './first-screen.ts'
import { LastNet } from './last-net.ts'
import { type Ear, openEar } from './replace/ear.ts'
import { findPredecessor, type Predecessor } from './replace/predecessor.ts'
import { screenFacts } from './screen-facts.ts'
import { StopSignals } from './stop-signals.ts'

/** The command's flags and surroundings. */
export interface ServeOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute path of our `bin/exai.js`. */
  readonly launcher: string
  readonly configPath?: string | undefined
  readonly flags: ConfigFlags
  /** Takes the place of the server that runs on the same data folder. */
  readonly isReplacing?: boolean
}

/** How a server is run, once its config is known. */
export interface RunServerOptions {
  readonly env: ServeOptions['env']
  readonly launcher: string
  readonly isDemo: boolean
  readonly isReplacing?: boolean | undefined
  /** Runs beside the server, from the first screen on; is told to end by `signal` when the server stops. */
  beside?(url: string, server: Server, signal: AbortSignal): Promise<void>
}

const exitGraceMs = 1_000
const destroyTimeoutMs = 10_000

/** Serves until told to stop. Resolves with the exit code; rejects with an `Error` whose message is for a person. */
export function serve(options: ServeOptions): Promise<number> {
  const config = loadConfig({ ...options, cwd: process.cwd() })
  return runServer(config, { ...options, isDemo: false })
}

/** Runs a server with this config until a signal, or an error that nobody caught; as `serve`. */
export async function runServer(config: Config, options: RunServerOptions): Promise<number> {
  using net = hangNet()
  const exitCode = await runAbove(net, config, options)
  return net.isTorn ? 1 : exitCode
}

async function runAbove(net: LastNet, config: Config, options: RunServerOptions): Promise<number> {
  using signals = new StopSignals(process, systemClock, (code) => process.exit(code))
  const stopping = new AbortController()
  await checkDataDir(config)
  const before = options.isReplacing === true ? await predecessorOf(config) : null
  const server = await createServer({ config, onStray: before?.onStray }).catch((error: unknown) => {
    before?.close()
    throw error
  })
  let ear: Ear | null = null
  try {
    const address = await server.listen(before?.port)
    net.holds(server, config.limits.drainTimeoutMs + destroyTimeoutMs)
    await before?.release()
    ear = await openEar(config.dataDir, address, server).catch(tellDeafness)
    before?.heard()
    releaseYoungHeap()
    // People dial the public address; what plays beside the server dials where it listens.
    const url = reachableUrl(address.url)
    process.stderr.write(
      firstScreen(
        screenFacts(config, server, {
          version: packageVersion,
          url,
          connectLine: server.facts().needsKey ? null : connectLine({ ...options, url }),
          isDemo: options.isDemo,
        }),
        { columns: process.stderr.columns ?? 120, isColored: isColored(options.env) },
      ),
    )
    const beside = options.beside?.(url, server, stopping.signal)
    const how = await Promise.race([
      signals.stopped.then(() => 'stopped' as const),
      net.torn.then(() => 'torn' as const),
      ...(ear === null ? [] : [ear.replaced.then(() => 'replaced' as const)]),
      ...(beside === undefined ? [] : [beside.then(() => signals.stopped)]),
    ])
    stopping.abort()
    if (how === 'replaced') {
      process.stderr.write(
        'exai: another process has taken this place; whoever is still here is served to the end.\n',
      )
      const released = within(server.release(ear?.strays), replacedTimeoutMs(config)).then(() => true)
      const stopped = Promise.race([signals.stopped, net.torn]).then(() => false)
      if (await Promise.race([released, stopped])) return 0
    }
    // The net has said its own.
    if (!net.isTorn)
      process.stderr.write('exai: stopping; running calls may finish. Once more to stop at once.\n')
    await within(server.drain(), config.limits.drainTimeoutMs)
    return 0
  } finally {
    stopping.abort()
    before?.close()
    await ear?.close()
    await server.destroy()
    // Whatever is still open then is not worth waiting for; the timer itself keeps nothing alive.
    systemClock.after(exitGraceMs, () => process.exit())
  }
}

function hangNet(): LastNet {
  const net = new LastNet({
    source: process,
    outputs: [process.stdout, process.stderr],
    clock: systemClock,
    say: (sentence) => process.stderr.write(sentence),
    end: (code) => process.exit(code),
  })
  // Even should it end because nothing is left to wait for.
  void net.torn.then(() => {
    process.exitCode = 1
  })
  return net
}

// Nobody waits for its port: what runs may take the time that it was given.
function replacedTimeoutMs({ limits }: Config): number {
  return longestCallMs(limits) + limits.drainTimeoutMs
}

async function within(done: Promise<void>, timeoutMs: number): Promise<void> {
  const late = new Promise<void>((resolve) => {
    systemClock.after(timeoutMs, resolve)
  })
  await Promise.race([done, late])
}

/** The server to replace, its counts on disk. What windows dial must stay the same. */
async function predecessorOf({ dataDir, listen }: Config): Promise<Predecessor> {
  const before = await findPredecessor(dataDir)
  if (before.host !== listen.host || (listen.mcp !== 0 && listen.mcp !== before.port)) {
    before.close()
    throw new ConfigError(
      `The running server (process ${before.pid}) listens on ${before.host} port ${before.port}, this one is to listen on ${listen.host} port ${listen.mcp}: windows would not find it. Give both the same address, or stop the running one first.`,
    )
  }
  await before.rest()
  return before
}

function tellDeafness(error: unknown): null {
  const why = error instanceof Error ? error.message : String(error)
  process.stderr.write(`exai: this server cannot be replaced under way: ${why}\n`)
  return null
}

// The server makes the folder too; here a folder that cannot be written is told before anything is opened.
async function checkDataDir({ dataDir }: Config): Promise<void> {
  try {
    await makeFolder(dataDir)
    await access(dataDir, constants.W_OK)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const whose = (await isForeign(dataDir))
      ? ': it belongs to another user. Start as that user, or choose'
      : '. Choose'
    throw new Error(
      `The data folder ${dataDir} cannot be written (${code})${whose} another with --data-dir, EXAI_DATA_DIR or dataDir in exai.yaml.`,
      { cause: error },
    )
  }
}

async function isForeign(path: string): Promise<boolean> {
  try {
    return process.getuid !== undefined && (await stat(path)).uid !== process.getuid()
  } catch {
    // Nobody can say whose it is; that it cannot be written is told all the same.
    return false
  }
}

/** Where every address is listened on, people still dial one. */
function reachableUrl(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}

/** Whether people at stderr see colours: a terminal, and nobody who asked for none. */
export function isColored(env: ServeOptions['env']): boolean {
  return process.stderr.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
}
