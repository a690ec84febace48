// What is measured, and against what. A limit's own lane has no limit.

import type { ContestantName } from './contestants.ts'
import type { Lane } from './load.ts'

/** A lane, whose it is, and the lane whose processor time is 1. */
export interface Measured extends Lane {
  readonly of: ContestantName
  readonly limit: string | null
}

const bare = { transport: 'legacy', path: '/mcp', tool: 'echo', limit: null } as const
const ours = { of: 'exai', path: '/mcp', tool: 'echo', limit: 'bare' } as const
const stream = { ...ours, tool: 'echo_stream', limit: 'bare-sse' } as const
const list = { ...ours, tool: 'tools/list', limit: 'bare-list' } as const

/** Under load. */
export const lanes: readonly Measured[] = [
  { ...bare, name: 'bare', of: 'bare' },
  { ...bare, name: 'bare-sse', of: 'bare', path: '/mcp-sse' },
  { ...bare, name: 'bare-ws', of: 'bare-ws', transport: 'websocket', path: '/' },
  { ...bare, name: 'bare-list', of: 'bare-list', tool: 'tools/list' },
  { ...ours, name: 'legacy', transport: 'legacy' },
  { ...ours, name: 'modern', transport: 'modern' },
  { ...stream, name: 'legacy-sse', transport: 'legacy' },
  { ...stream, name: 'modern-sse', transport: 'modern' },
  { ...ours, name: 'websocket', transport: 'websocket', path: '/ws', limit: 'bare-ws' },
  { ...list, name: 'legacy-list', transport: 'legacy' },
  { ...list, name: 'modern-list', transport: 'modern' },
]

/** One client alone, one call at a time. */
export const lone: readonly Measured[] = [
  { ...bare, name: 'lone-bare', of: 'bare', connections: 1 },
  { ...ours, name: 'lone-legacy', transport: 'legacy', connections: 1, limit: 'lone-bare' },
  { ...ours, name: 'lone-modern', transport: 'modern', connections: 1, limit: 'lone-bare' },
]
