// `exai serve --demo`: the simulator as both vendors, a server of our own, and a play of windows on it, drawn in the
// terminal. Needs no key, reads no config, leaves nothing behind.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { stringify } from 'yaml'
import { loadConfig } from '../config/load.ts'
import type { ConfigFlags } from '../config/overrides.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { Server } from '../server.ts'
import { OrderSwitch } from './demo/order-switch.ts'
import { openDemoPlay } from './demo/play.ts'
import { drawStage } from './demo/stage.ts'
import { isColored, runServer, type ServeOptions } from './serve.ts'
import { simulatorPath } from './simulate.ts'

interface VendorAddresses {
  readonly glm: string
  readonly kimi: string
}

// Scarce enough that six windows must wait for each other, quick enough that a visitor sees them take turns.
const slots = 2
const serviceMs = 1_200
const drawEveryMs = 250
const tellEveryMs = 2_000

/** Plays until a signal; resolves with the exit code. */
export async function demonstrate(options: ServeOptions): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'exai-demo-'))
  const simulator = spawn(
    process.execPath,
    [simulatorPath(), '--with-parent', '--service-ms', String(serviceMs), '--glm-slots', String(slots)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  try {
    const vendors = await addressesOf(simulator)
    const config = loadConfig({
      cwd: folder,
      configPath: writeDemoConfig(folder, vendors),
      env: { EXAI_PORT: options.env.EXAI_PORT, EXAI_HOST: options.env.EXAI_HOST },
      flags: withoutDataDir(options.flags),
    })
    return await runServer(config, {
      ...options,
      isDemo: true,
      beside: (url, server, signal) => showPlay(url, server, signal, isColored(options.env), systemClock),
    })
  } finally {
    simulator.stdin?.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function addressesOf(simulator: ChildProcess): Promise<VendorAddresses> {
  const { stdout } = simulator
  if (stdout === null) throw new Error('The simulator has no output to read its addresses from.')
  const ended = once(simulator, 'exit').then(() => {
    throw new Error('The simulator ended before it listened; what it said stands above.')
  })
  const [line] = await Promise.race([once(createInterface({ input: stdout }), 'line'), ended])
  ended.catch(() => {}) // It ends with us, later; nobody waits for that.
  return JSON.parse(String(line)) as VendorAddresses
}

function writeDemoConfig(folder: string, vendors: VendorAddresses): string {
  const account = (key: string): object[] => [{ name: 'demo', apiKeys: [key], concurrency: slots }]
  const path = join(folder, 'demo.yaml')
  writeFileSync(
    path,
    stringify({
      dataDir: folder,
      providers: {
        glm: { baseUrl: vendors.glm, accounts: account('sim-glm-demo') },
        kimi: { baseUrl: vendors.kimi, accounts: account('sim-kimi-demo') },
      },
      // The play stands where the log would run through it; its windows ask more than people do, and the greedy one far more:
      // without a fair queue its colour alone fills the strip.
      log: { level: 'error' },
      // Nobody comes back for an answer: with its windows the play is over, and the server need not wait for what they had asked.
      lateResults: { enabled: false },
      limits: {
        client: { requestsPerMinute: 6000, burst: 1000, concurrency: 64 },
        principal: { requestsPerMinute: 36_000, burst: 6000, concurrency: 96 },
      },
    }),
  )
  return path
}

function withoutDataDir({ port, host }: ConfigFlags): ConfigFlags {
  return { port, host }
}

/** Draws the play until `signal`; over itself on a terminal, else as a few lines from time to time. */
async function showPlay(
  url: string,
  server: Server,
  signal: AbortSignal,
  isColored: boolean,
  clock: Clock,
): Promise<void> {
  using order = new OrderSwitch({
    keyboard: process.stdin,
    setQueueOrder: (wanted) => server.setQueueOrder(wanted),
    interrupt: () => process.kill(process.pid, 'SIGINT'),
  })
  const play = openDemoPlay(`${url.replace(/^http/, 'ws')}/ws`, clock, (error) => {
    process.stderr.write(`A window of the demo lost its connection: ${error.message}\n`)
  })
  const isTerminal = process.stderr.isTTY === true
  let drawn = 0
  const draw = (): void => {
    const lines = drawStage(
      { ...play.stage(), order: order.order, hasSwitch: order.isThere },
      clock.now(),
      process.stderr.columns ?? 120,
      isColored,
    )
    const back = isTerminal && drawn > 0 ? `\u001b[${drawn}A\u001b[0J` : ''
    process.stderr.write(`${back}${lines.join('\n')}\n`)
    drawn = lines.length
  }
  const everyMs = isTerminal ? drawEveryMs : tellEveryMs
  await new Promise<void>((resolve) => {
    let timer = clock.after(everyMs, function tick() {
      draw()
      timer = clock.after(everyMs, tick)
    })
    const end = (): void => {
      timer.cancel()
      play.close()
      resolve()
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}
