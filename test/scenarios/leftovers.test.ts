// The check that every scenario ends with must itself be able to fail.

import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import {
  askedOverHttp,
  busyCounters,
  nothingInProgress,
  nothingLeftOpen,
  openHandles,
} from '../support/leftovers.ts'

describe('what is left', () => {
  it('names every counter of work in progress, and no total, limit or idle session', () => {
    const inspected = {
      calls: { inFlight: 1, finished: 12, abandoned: 0 },
      groups: { 'glm/main': { capacity: 2, held: 1, waiting: 3 } },
      mcp: { sessions: 4, streams: 0, clients: [{ label: 'api@main', callsInFlight: 2 }] },
      http: { connections: 1, inFlight: 1 },
    }
    expect(busyCounters(inspected, askedOverHttp)).toEqual([
      'calls.inFlight: 1',
      'groups.glm/main.held: 1',
      'groups.glm/main.waiting: 3',
      'mcp.clients[0].callsInFlight: 2',
    ])
    expect(busyCounters(inspected)).toContain('http.connections: 1')
  })

  it('waits for what is about to end, and reports what does not', async () => {
    let inFlight = 3
    await nothingInProgress(() => ({ calls: { inFlight: Math.max(0, --inFlight) } }))
    await expect(nothingInProgress(() => ({ calls: { inFlight: 1 } }), {}, 50)).rejects.toThrow(
      'calls.inFlight: 1',
    )
  })

  it('sees a socket that was left open in this process', async () => {
    const before = openHandles()
    const server = createServer()
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    await expect(nothingLeftOpen(before, 50)).rejects.toThrow(/left open: 1 TCP/)
    server.close()
    await nothingLeftOpen(before)
  })
})
