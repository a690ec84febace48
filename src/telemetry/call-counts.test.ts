import { describe, expect, it } from 'vitest'
import type { CallEvent } from '../calls/events.ts'
import { identityOf } from '../domain/identity-of.ts'
import type { CallId } from '../domain/ids.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { CallCounts } from './call-counts.ts'
import { createLog } from './log.ts'

const identity = identityOf('local', 'window-1', { label: 'api@main' })
const call = {
  id: 'c-1' as CallId,
  identity,
  name: 'chat',
  door: 'http' as const,
  startedAt: 0,
  deadlineAt: 1,
  signal: new AbortController().signal,
  abort: () => undefined,
}
const finished = (failure: 'timeout' | 'internal' | null, isAbandoned = false): CallEvent => ({
  type: 'call-finished',
  call,
  durationMs: 12.34,
  failure,
  detail: failure === 'internal' ? 'TypeError at x' : null,
  isAbandoned,
})
const refused: CallEvent = {
  type: 'call-refused',
  options: { identity, name: 'chat', door: 'http' },
  refusal: {
    kind: 'refusal',
    reason: 'rate-limited',
    scope: 'client',
    dimension: 'requests a minute',
    limit: 100,
    used: 20,
    retryAfterMs: 600,
    message: 'slow down',
  },
}

describe('call telemetry', () => {
  it('counts what ended, how it failed, and what was refused', () => {
    const counts = new CallCounts()
    for (const event of [finished(null), finished('timeout'), finished('timeout', true), refused])
      counts.add(event)
    expect(counts.totals()).toEqual({
      finished: 3,
      failed: { timeout: 2 },
      refused: { 'rate-limited': 1 },
      abandoned: 1,
    })
  })

  it('writes one line a call, with who and how long, and a bug with its detail', async () => {
    const lines: string[] = []
    const clock = new VirtualClock()
    const log = createLog('info', clock, { write: (line: string) => lines.push(line) })
    for (const event of [finished(null), finished('internal'), refused]) log.call(event)
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { call: 'c-1', tool: 'chat', client: 'api@main', ms: 12.3 },
      { failure: 'internal', detail: 'TypeError at x', level: 50 },
      { reason: 'rate-limited', limit: 100 },
    ])
    await log.destroy()
    expect(clock.pendingTimers).toBe(0)
  })
})
