// What is measured, and against what. A bout is a limit and who is compared with it, one right after the other, so that what slows
// the machine slows both.

import type { ContestantName } from './contestants.ts'
import type { Lane } from './load.ts'

/** A lane, and whose it is. */
export interface Measured extends Lane {
  readonly of: ContestantName
}

/** A limit, whose processor time is 1, and the lane of ours that is compared with it; `name` is the lane's. */
export interface Bout {
  readonly limit: Measured
  readonly ours: Measured
}

const bare = { transport: 'legacy', path: '/mcp', tool: 'echo' } as const
const ours = { of: 'exai', path: '/mcp', tool: 'echo' } as const
const stream = { ...ours, tool: 'echo_stream' } as const
const list = { ...ours, tool: 'tools/list' } as const

const json: Measured = { ...bare, name: 'bare', of: 'bare' }
const sse: Measured = { ...bare, name: 'bare-sse', of: 'bare', path: '/mcp-sse' }
const webSocket: Measured = { ...bare, name: 'bare-ws', of: 'bare-ws', transport: 'websocket', path: '/' }
const lists: Measured = { ...bare, name: 'bare-list', of: 'bare-list', tool: 'tools/list' }
const alone: Measured = { ...bare, name: 'lone-bare', of: 'bare', connections: 1 }

/** Under load; then one client alone, one call at a time. */
export const bouts: readonly Bout[] = [
  { limit: json, ours: { ...ours, name: 'legacy', transport: 'legacy' } },
  { limit: json, ours: { ...ours, name: 'modern', transport: 'modern' } },
  { limit: sse, ours: { ...stream, name: 'legacy-sse', transport: 'legacy' } },
  { limit: sse, ours: { ...stream, name: 'modern-sse', transport: 'modern' } },
  { limit: webSocket, ours: { ...ours, name: 'websocket', transport: 'websocket', path: '/ws' } },
  { limit: lists, ours: { ...list, name: 'legacy-list', transport: 'legacy' } },
  { limit: lists, ours: { ...list, name: 'modern-list', transport: 'modern' } },
  { limit: alone, ours: { ...ours, name: 'lone-legacy', transport: 'legacy', connections: 1 } },
  { limit: alone, ours: { ...ours, name: 'lone-modern', transport: 'modern', connections: 1 } },
]
