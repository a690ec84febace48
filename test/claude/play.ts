// The play: all windows at work at once against one server, some of them with a harder day; then the books are looked at.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCast, type Player } from './cast.ts'
import { ensureClaude } from './claude-binary.ts'
import { type ClientWatch, watchClients } from './client-watch.ts'
import type { JobTimes } from './jobs.ts'
import {
  type ExaiServer,
  type HeardWord,
  type LoggedCall,
  type Slots,
  startServer,
  startSimulator,
  type VendorRequest,
} from './processes.ts'
import { type Relay, startRelay } from './relay.ts'
import type { Step } from './script.ts'
import { startScriptedModel } from './scripted-model.ts'
import { judge, type Played } from './verdict.ts'

/** What the play is started with. */
export interface PlayOptions {
  readonly windows: number
  readonly times: JobTimes
  readonly slots: Slots
  /** One chat each, one after another, instead of five jobs at once. */
  readonly isInLine: boolean
  /** A module that plants a fault in the server; null: none. */
  readonly preload: string | null
}

/** What came of it. */
export interface PlayReport {
  readonly errors: readonly string[]
  readonly windows: readonly (Played & Pick<Player, 'door' | 'role'>)[]
  readonly calls: readonly LoggedCall[]
  readonly requests: readonly VendorRequest[]
  /** What those who waited in line were told. */
  readonly heard: readonly HeardWord[]
  /** Clients in /api/inspect at one moment, before any window was started again. */
  readonly clientsMax: number
}

const serverName = 'exai'
/** To start, to meet, to work and to end, on a machine that has other things to do. */
const windowTimeoutMs = 300_000
const meetingTimeoutMs = 90_000

/** Plays it once. Throws only when it could not be staged. */
export async function play(options: PlayOptions): Promise<PlayReport> {
  const claude = ensureClaude()
  const home = mkdtempSync(join(tmpdir(), 'exai-windows-'))
  const relay = await startRelay()
  // The last in a line waits for all before it.
  const lineMs = options.isInLine ? options.windows * options.times.chat : 0
  const timeoutMs = windowTimeoutMs + lineMs
  const simulator = await startSimulator(options.times, options.slots)
  const scripts: Record<string, readonly Step[]> = {}
  const names = Array.from({ length: options.windows }, (_, i) => `window-${i}`)
  let watch: ClientWatch | null = null
  const onHook = async (): Promise<void> => {
    watch?.freeze()
    const again = relay.nextConnection()
    relay.cut()
    await again
  }
  const model = await startScriptedModel({ scripts, parties: names, onHook })
  let started: ExaiServer | null = null
  try {
    const server = await startServer({
      home,
      simulator,
      slots: options.slots,
      allowedHosts: [`127.0.0.1:${relay.port}`],
      queueWaitMs: options.isInLine ? 2 * lineMs : null,
      preload: options.isInLine ? join(import.meta.dirname, 'ears.ts') : options.preload,
    })
    started = server
    relay.target(server.port)
    const cast = await createCast({
      count: options.windows,
      server: serverName,
      claude,
      home,
      longestMs: Math.max(
        options.times.search,
        options.times.pdf,
        options.times.review,
        options.times.chat,
        options.times.summary,
      ),
      isInLine: options.isInLine,
      modelUrl: model.urlFor,
    })
    for (const player of cast) scripts[player.name] = player.steps
    await Promise.all(cast.map((player) => introduce(player, server, relay)))

    const errors: string[] = []
    const watching = watchClients(server)
    watch = watching
    const reports = await Promise.all(
      cast.map((player) =>
        playOne(player, scripts, watching, { windows: options.windows, timeoutMs }, errors),
      ),
    )
    const clientsMax = await watching.stop()
    const windows = cast.map((player, i) => ({ ...player, report: reports[i] ?? noReport }))
    errors.push(...judge(windows))
    if (clientsMax !== options.windows) {
      errors.push(`${options.windows} windows were ${clientsMax} clients in /api/inspect`)
    }
    await server.allZero(5000).catch((error: unknown) => errors.push(`after the play: ${String(error)}`))
    const requests = await simulator.requests()
    const code = await server.stop()
    if (code !== 0) errors.push(`the server ended with ${code}:\n${server.output().slice(-3000)}`)
    const calls = server.calls()
    errors.push(...judgeBooks(cast, calls, requests))
    return { errors, windows, calls, requests, heard: server.heard(), clientsMax }
  } finally {
    await started?.stop()
    await Promise.all([model.close(), relay.close(), simulator.stop()])
    rmSync(home, { recursive: true, force: true, maxRetries: 5 })
  }
}

const noReport = { exit: null, signal: null, status: 'unknown', calls: [], errors: ['did not run'] }

/** Adds the server to a window as its person would. */
async function introduce(player: Player, server: ExaiServer, relay: Relay): Promise<void> {
  if (player.door === 'http') {
    await player.window.addServer(server.line)
    player.window.trust()
    return
  }
  const port = player.role === 'cut' ? relay.port : server.port
  const entry = JSON.stringify({ type: 'ws', url: `ws://127.0.0.1:${port}/ws` })
  await player.window.addServer(`claude mcp add-json ${serverName} '${entry}'`)
}

async function playOne(
  player: Player,
  scripts: Record<string, readonly Step[]>,
  watch: ClientWatch,
  { windows, timeoutMs }: { readonly windows: number; readonly timeoutMs: number },
  errors: string[],
): Promise<Played['report']> {
  const first = player.window.run(serverName, timeoutMs)
  if (player.role !== 'restarted') return first.report
  await watch
    .until(
      (clients) =>
        clients.length === windows &&
        clients.some(({ label, callsInFlight }) => label === player.name && callsInFlight > 0),
      `${windows} clients are there and ${player.name} is at work`,
      meetingTimeoutMs,
    )
    .catch((error: unknown) => errors.push(String(error)))
  watch.freeze()
  first.process.kill('SIGTERM')
  const half = await first.report
  if (half.calls.length > 0) errors.push(`${player.name}: was not ended in the middle of its calls`)
  // The second life meets nobody: the others are long past the barrier.
  scripts[player.name] = player.steps.filter((step) => step.kind !== 'barrier')
  return player.window.run(serverName, timeoutMs).report
}

/** What server and simulator wrote down must agree with what was done to the windows. */
function judgeBooks(
  cast: readonly Player[],
  calls: readonly LoggedCall[],
  requests: readonly VendorRequest[],
): string[] {
  const count = (role: Player['role']): number => cast.filter((player) => player.role === role).length
  // A patient window gives up one call, a window that is ended one to four: whatever it had begun by then.
  const least = count('patient') + count('restarted')
  const most = count('patient') + 4 * count('restarted')
  const bad: string[] = []
  const ended = calls.filter(({ failure }) => failure === 'cancelled' || failure === 'client-gone').length
  if (ended < least || ended > most)
    bad.push(`the server ended ${ended} calls early; ${least} to ${most} were given up`)
  // What was given up before its document was read, or while it waited for a slot, never reached a vendor.
  const aborted = requests.filter((request) => request.outcome === 'aborted').length
  if (aborted < count('patient') || aborted > ended) {
    bad.push(`the vendors saw ${aborted} requests aborted; ${ended} calls were given up`)
  }
  const open = requests.filter((request) => request.outcome === 'open').length
  if (open > 0) bad.push(`the vendors still have ${open} requests open`)
  const expected = new Set(['cancelled', 'client-gone', 'path-not-allowed'])
  for (const call of calls) {
    if (call.failure !== undefined && !expected.has(call.failure))
      bad.push(`a call failed at the server: ${JSON.stringify(call)}`)
  }
  return bad
}
