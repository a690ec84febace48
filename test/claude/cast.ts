// Who plays: the windows with their marks and scripts. Half of them come over HTTP with the printed line and nothing else,
// half over WebSocket. Most do their five jobs; a few have a harder day.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { jobCalls, slowCall, trespassCall, turn, writeProjectFiles } from './jobs.ts'
import type { Step } from './script.ts'
import { ClaudeWindow } from './window.ts'

/** What is special about a window's day. */
export type Role =
  | 'plain'
  /** Loses patience with one long call, which is cancelled midway. */
  | 'patient'
  /** Is ended in the middle of four calls and started again in the same folder. */
  | 'restarted'
  /** Loses its connection between two calls and reconnects. */
  | 'cut'

/** One window. */
export interface Player {
  readonly name: string
  readonly mark: string
  readonly door: 'http' | 'websocket'
  readonly role: Role
  readonly window: ClaudeWindow
  readonly steps: readonly Step[]
}

/** What the cast is made of. */
export interface CastOptions {
  readonly count: number
  readonly server: string
  readonly claude: string
  /** Each window's HOME lies in here. */
  readonly home: string
  /** The longest job; a patient window waits a little longer. Milliseconds. */
  readonly longestMs: number
  /** One chat each and nothing else: they wait in line before one slot. */
  readonly isInLine: boolean
  modelUrl(window: string): string
}

// Longer than a worker needs to start on a busy machine, shorter than the slow call by far.
const patienceMs = 6000

const roles: Readonly<Record<'http' | 'websocket', readonly Role[]>> = {
  http: ['plain', 'patient', 'restarted'],
  websocket: ['plain', 'patient', 'cut'],
}

/** Makes the windows, their folders and their files. */
export async function createCast(options: CastOptions): Promise<readonly Player[]> {
  const { count, server, claude, home, longestMs, isInLine, modelUrl } = options
  const doors = Array.from({ length: count }, (_, i): Player['door'] =>
    i < Math.ceil(count / 2) ? 'http' : 'websocket',
  )
  const drafts = doors.map((door, i) => {
    const role = isInLine ? 'plain' : (roles[door][i - doors.indexOf(door)] ?? 'plain')
    const name = `window-${i}`
    const env = role === 'patient' ? { MCP_TOOL_TIMEOUT: String(longestMs + patienceMs) } : {}
    const window = new ClaudeWindow({
      name,
      claude,
      home: join(home, `home-${i}`),
      modelUrl: modelUrl(name),
      env,
    })
    return { name, door, role, window, mark: `secret-mark-${i}-${randomBytes(6).toString('hex')}` }
  })
  return Promise.all(
    drafts.map(async (draft, i) => {
      await writeProjectFiles(draft.window.project, draft.mark)
      const { together, after } = jobCalls(server, draft.window.project, draft.mark)
      if (isInLine) {
        const chats = together.filter(({ job }) => job === 'chat')
        const line: Step[] = [{ kind: 'barrier', name: 'go' }, turn(...chats), { kind: 'text', text: 'done' }]
        return { ...draft, steps: line }
      }
      const last = [after]
      const neighbour = drafts[i - 1]
      if (draft.role === 'plain' && neighbour !== undefined)
        last.push(trespassCall(server, neighbour.window.project))
      const steps: Step[] = [{ kind: 'barrier', name: 'go' }, turn(...together)]
      if (draft.role === 'patient') steps.push(turn(slowCall(server, draft.mark)))
      if (draft.role === 'cut') steps.push({ kind: 'hook', name: 'cut' })
      steps.push(turn(...last), { kind: 'text', text: 'done' })
      return { ...draft, steps }
    }),
  )
}
