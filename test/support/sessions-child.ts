// A server in a process of its own whose sessions leave the memory after a moment, for measuring what they leave behind. Answers
// each message of its parent with what it holds.

import { setTimeout as sleep } from 'node:timers/promises'
import { echoTool, startMcpComposition } from './mcp-composition.ts'
import { sessionSecrets } from './sessions-secret.ts'

const server = await startMcpComposition({
  tools: [echoTool],
  sessions: { secrets: sessionSecrets },
  // The clock looks every second; nobody is forgotten while the others are still coming.
  limits: { sessionsMax: 20_000, sessionIdleMs: 4_000 },
  clientIdleMs: 4_000,
  edge: { connectionsMax: 20_000, unidentifiedPerAddressMax: 20_000 },
})
process.send?.({ url: server.url })

process.on('message', async () => {
  for (let n = 0; n < 4; n++) {
    // Gives back what the engine holds in reserve, too: its young generation doubles for as long as load lasts and never shrinks by
    // itself, and in resident memory that looks like a leak.
    globalThis.gc?.({ flavor: 'last-resort' })
    await sleep(20)
  }
  // Only what sessions leave behind is looked at, not the book of events of the test.
  server.events.length = 0
  const { sessions, streams, resumable } = server.surface.inspect()
  process.send?.({
    heapBytes: process.memoryUsage().heapUsed,
    residentBytes: process.memoryUsage.rss(),
    handles: process.getActiveResourcesInfo().length,
    sessions,
    streams,
    logs: resumable.logs,
    clients: server.frontDoor.clients().length,
  })
})
process.on('disconnect', () => process.exit(0))
