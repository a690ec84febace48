// Real Claude Code windows, some over HTTP with an id each and some over WebSocket, all at once; each comes again with little patience
// for a call that outlasts it, and once more to ask for a prompt. They show no progress in print mode, so that step is not theirs.

import { join } from 'node:path'
import { jobWords, slowCall, turn } from '../claude/jobs.ts'
import type { ScriptedCall, Step } from '../claude/script.ts'
import { type ScriptedModel, startScriptedModel } from '../claude/scripted-model.ts'
import { ClaudeWindow, type WindowReport } from '../claude/window.ts'
import type { ServerFixture } from '../support/server-fixture.ts'
import type { ClientTable, Expect } from './steps.ts'

const serverName = 'exai'
// Only what hangs takes so long.
const timeoutMs = 600_000
// Of the window that gives up; the others have all the time there is.
const hastyMs = 3_000
// In print mode a window reads what was typed before its servers are there, unless it is told to wait for them.
const whenConnected = { MCP_CONNECTION_NONBLOCKING: 'false', MCP_TIMEOUT: String(timeoutMs) }

interface Player {
  readonly name: string
  readonly mark: string
  readonly window: ClaudeWindow
  /** The same window, with little patience. */
  readonly hasty: ClaudeWindow
  readonly entry: object
}

/** Plays `count` windows at once; the first half, rounded up, over HTTP. */
export async function playWindows(
  claude: string,
  server: ServerFixture,
  count: number,
  table: ClientTable,
): Promise<void> {
  const scripts: Record<string, readonly Step[]> = {}
  const names = Array.from({ length: count }, (_, i) => `window-${i}`)
  const model = await startScriptedModel({ scripts, parties: names, onHook: () => Promise.resolve() })
  try {
    const players = names.map((name, i): Player => {
      const isHttp = i < Math.ceil(count / 2)
      const entry = isHttp
        ? { type: 'http', url: `${server.url}/mcp`, headers: { 'x-exai-client': `${name}-of-the-table` } }
        : { type: 'ws', url: `${server.url.replace('http', 'ws')}/ws` }
      const home = join(server.home, `home-${i}`)
      const ready = (toolTimeoutMs: number): ClaudeWindow =>
        new ClaudeWindow({
          name,
          claude,
          home,
          modelUrl: model.urlFor(name),
          env: { ...whenConnected, MCP_TOOL_TIMEOUT: String(toolTimeoutMs) },
        })
      const [window, hasty] = [ready(timeoutMs), ready(hastyMs)]
      return { name, mark: `WINDOW-${i}-MARK`, window, hasty, entry }
    })
    await Promise.all(
      players.map((player, i) =>
        table.run(`Claude Code ${i + 1}, ${'headers' in player.entry ? 'HTTP' : 'WebSocket'}`, (expectThat) =>
          playWindow(player, scripts, model, expectThat),
        ),
      ),
    )
  } finally {
    await model.close()
  }
}

async function playWindow(
  { name, mark, window, hasty, entry }: Player,
  scripts: Record<string, readonly Step[]>,
  model: ScriptedModel,
  expectThat: Expect,
): Promise<void> {
  const tool = (of: string): string => `mcp__${serverName}__${of}`
  const call = (job: string, of: string, input: ScriptedCall['input']): ScriptedCall => ({
    job,
    tool: of,
    input,
  })
  scripts[name] = [
    { kind: 'barrier', name: 'go' },
    turn(call('list', tool('version'), {})),
    turn(call('call', tool('chat'), { prompt: `${jobWords.chat}. ${mark}` })),
    turn(call('resources', 'ListMcpResourcesTool', { server: serverName })),
    turn(call('resources', 'ReadMcpResourceTool', { server: serverName, uri: 'exai://models' })),
    { kind: 'text', text: 'done' },
  ]
  await window.addServer(`claude mcp add-json ${serverName} '${JSON.stringify(entry)}'`)
  window.trust()
  const report = await window.run(serverName, timeoutMs).report
  expectThat('connect', report.status === 'connected' && report.errors.length === 0, said(report))
  const seen = (job: string, has: (text: string, isError: boolean) => boolean): boolean =>
    report.calls.some(({ tool: of, text, isError }) => of === job && has(text, isError))
  expectThat(
    'list',
    seen(tool('version'), (text) => text.includes('exai')),
    said(report),
  )
  expectThat(
    'call',
    seen(tool('chat'), (text, isError) => !isError && text.includes(mark)),
    said(report),
  )
  const listed = seen('ListMcpResourcesTool', (text) => text.includes('exai://models'))
  const read = seen('ReadMcpResourceTool', (text, isError) => !isError && text.includes('glm'))
  expectThat('resources', listed && read, said(report))

  scripts[name] = [turn(slowCall(serverName, mark)), { kind: 'text', text: 'done' }]
  const gaveUp = await hasty.run(serverName, timeoutMs).report
  const isGivenUp = gaveUp.calls.some(({ isError, text }) => isError && text.includes('timed out'))
  expectThat('cancel', isGivenUp, said(gaveUp))

  scripts[name] = [{ kind: 'text', text: 'done' }]
  const typed = `/mcp__${serverName}__second_opinion ${mark}`
  const prompted = await window.run(serverName, timeoutMs, typed).report
  const heard = model.heard(name)
  const isHeard = /Get a second opinion[\s\S]*Then call the chat tool/.test(heard) && heard.includes(mark)
  expectThat('prompts', prompted.errors.length === 0 && isHeard, `${said(prompted)} ${heard}`)
}

const said = ({ status, errors, calls }: WindowReport): string =>
  JSON.stringify({ status, errors, calls: calls.map(({ tool, text }) => `${tool}: ${text.slice(0, 200)}`) })
