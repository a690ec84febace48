// Real windows calling all the time while their server is killed and replaced under them: what became of each call.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launcher } from '../../support/launched.ts'
import { ensureClaude } from '../claude-binary.ts'
import { jobWords } from '../jobs.ts'
import { startSimulator, type VendorRequest } from '../processes.ts'
import type { Step } from '../script.ts'
import { startScriptedModel } from '../scripted-model.ts'
import { ClaudeWindow, type WindowReport } from '../window.ts'
import { Lives, type LoggedEvent, type Restart } from './lives.ts'

/** How a window is connected. `modern` and `legacy` have the printed line. */
export type WindowKind = 'modern' | 'legacy' | 'websocket' | 'bridge'

/** What the play is started with. */
export interface RestartOptions {
  readonly windows: number
  readonly seconds: number
  /** Of each kind; they take turns. */
  readonly restarts: number
  /** A module that plants a fault in every server; null: none. */
  readonly preload: string | null
}

/** What came of it. */
export interface RestartReport {
  readonly windows: readonly {
    readonly name: string
    readonly kind: WindowKind
    readonly report: WindowReport
  }[]
  readonly restarts: readonly Restart[]
  readonly requests: readonly VendorRequest[]
  /** 2025-era sessions over HTTP: opened, and taken up by a process that had not opened them. */
  readonly sessions: { readonly opened: readonly LoggedEvent[]; readonly resumed: readonly LoggedEvent[] }
  /** WebSockets of windows and bridges; each begins a session of its own, because no id goes with them. */
  readonly sockets: readonly LoggedEvent[]
  /** What is wrong beside calls. */
  readonly errors: readonly string[]
}

const serverName = 'exai'
const kinds: readonly WindowKind[] = ['modern', 'legacy', 'websocket', 'bridge', 'modern', 'legacy', 'bridge']
const serviceMs = 1_500
/** What a model thinks before its next call. Behind a bridge it never does: its calls fall into every restart, and wait there. */
const thinkMs = 800
/**
 * And one that dials again by itself, after it has seen the server gone: on a WebSocket at once, in a session over HTTP after three
 * refused connections, which a slow start takes. It may take its third attempt, some 2.5 s after the first, and until then it fails calls
 * as "not connected" without asking anybody. Those with the printed line in 2026-07-28 call as soon as there is a server.
 */
const afterKillMs = 4_000
const redials: ReadonlySet<WindowKind> = new Set(['websocket', 'legacy'])
const turnsMax = 500
const meetingMs = 120_000
/** Over 2026-07-28 a window whose server was killed takes up to 120 s to give a call up. */
const givingUpMs = 240_000

/** The mark of a call; its prompt begins with it, and the answer must hold it. */
export function markOf(window: string, turn: number): string {
  return `${window}/${turn};`
}

function kindOf(index: number): WindowKind {
  return kinds[index % kinds.length] ?? 'modern'
}

/** Plays it once. Throws only when it could not be staged. */
export async function playRestarts(options: RestartOptions): Promise<RestartReport> {
  const claude = ensureClaude()
  const home = mkdtempSync(join(tmpdir(), 'exai-restarts-'))
  const times = { search: 1000, pdf: 1000, review: 1000, chat: serviceMs, summary: 1000, slow: 1000 }
  const simulator = await startSimulator(times, { glm: 64, kimi: 64 })
  const names = Array.from({ length: options.windows }, (_, i) => `window-${i}`)
  const scripts: Record<string, readonly Step[]> = Object.fromEntries(
    names.map((name) => [name, scriptOf(name)]),
  )
  const errors: string[] = []
  let lives: Lives | null = null
  const turns = new Map<string, number>()
  const model = await startScriptedModel({
    scripts,
    parties: names,
    async onHook(window) {
      turns.set(window, (turns.get(window) ?? 0) + 1)
      const kind = kindOf(names.indexOf(window))
      if (kind === 'bridge') return
      await pause(thinkMs)
      await (redials.has(kind) ? lives?.settled(afterKillMs) : lives?.up())
    },
  })
  try {
    const server = await Lives.begin({
      home,
      simulator,
      slots: 32,
      preload: options.preload,
    })
    lives = server
    const cast = await Promise.all(
      names.map(async (name, i) => {
        const kind = kindOf(i)
        const env = kind === 'legacy' ? { MCP_PROTOCOL_NEGOTIATION: 'legacy' } : {}
        const options = { name, claude, home: join(home, `home-${i}`), modelUrl: model.urlFor(name), env }
        const window = new ClaudeWindow(options)
        await window.addServer(lineOf(kind, server))
        if (kind === 'modern' || kind === 'legacy') window.trust()
        return { name, kind, window }
      }),
    )
    const runs = cast.map(({ window }) =>
      window.run(serverName, options.seconds * 1_000 + 2 * meetingMs + givingUpMs),
    )
    // Windows take a while to start; then they meet. From the second turn on each has been served.
    const deadline = Date.now() + meetingMs
    while (names.some((name) => (turns.get(name) ?? 0) < 2)) {
      if (Date.now() > deadline)
        throw new Error(`not all windows came to work: ${JSON.stringify([...turns])}`)
      await pause(200)
    }
    let replaced: Promise<unknown> = Promise.resolve()
    const pauseMs = (options.seconds * 1_000) / (2 * options.restarts + 1)
    for (let n = 0; n < 2 * options.restarts; n++) {
      await pause(pauseMs)
      if (n % 2 === 1) {
        // What a kill does to those whom a replaced server still serves would be neither's.
        await replaced
        await server.kill()
      } else {
        const { ended } = await server.replace()
        replaced = ended.then((code) => {
          if (code !== 0) errors.push(`a replaced server ended with ${code}`)
        })
      }
    }
    await pause(pauseMs)
    await server.settled(afterKillMs)
    await Promise.all(
      names.map(async (name) => {
        // The next turn may be about a call from before, the second is not: then a call of after the last restart has been answered.
        const before = turns.get(name) ?? 0
        const deadline = Date.now() + givingUpMs
        while ((turns.get(name) ?? 0) < before + 2 && Date.now() < deadline) await pause(200)
        scripts[name] = []
      }),
    )
    const reports = await Promise.all(runs.map(({ report }) => report))
    await server.allZero(5_000).catch((error: unknown) => errors.push(`after the play: ${String(error)}`))
    const requests = await simulator.requests()
    const code = await server.stop()
    if (code !== 0) errors.push(`the server ended with ${code}:\n${server.lastWords()}`)
    return {
      windows: cast.map(({ name, kind }, i) => ({ name, kind, report: reports[i] ?? noReport })),
      restarts: server.restarts,
      requests,
      sessions: { opened: server.logged('session-opened'), resumed: server.logged('session-resumed') },
      sockets: server.logged('connection-opened'),
      errors,
    }
  } finally {
    await lives?.stop()
    await Promise.all([model.close(), simulator.stop()])
    rmSync(home, { recursive: true, force: true, maxRetries: 5 })
  }
}

const noReport: WindowReport = {
  exit: null,
  signal: null,
  status: 'unknown',
  calls: [],
  errors: ['did not run'],
}

function scriptOf(name: string): readonly Step[] {
  const turns = Array.from({ length: turnsMax }, (_, turn): readonly Step[] => [
    { kind: 'hook', name: 'think' },
    {
      kind: 'calls',
      calls: [
        {
          job: 'chat',
          tool: `mcp__${serverName}__chat`,
          input: { prompt: `${markOf(name, turn)} ${jobWords.chat}` },
          expect: markOf(name, turn),
        },
      ],
    },
  ])
  return [{ kind: 'barrier', name: 'go' }, ...turns.flat()]
}

function lineOf(kind: WindowKind, { line, port }: Lives): string {
  const entry =
    kind === 'websocket'
      ? { type: 'ws', url: `ws://127.0.0.1:${port}/ws` }
      : {
          type: 'stdio',
          command: process.execPath,
          args: [launcher, 'bridge', '--url', `http://127.0.0.1:${port}`],
        }
  return kind === 'modern' || kind === 'legacy'
    ? line
    : `claude mcp add-json ${serverName} '${JSON.stringify(entry)}'`
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}
