// A test server in a process of its own, so that its memory can be measured without its clients'. Answers each message
// of its parent with what it holds.

import { setTimeout as sleep } from 'node:timers/promises'
import { fixturePrompts } from '../conformance/fixture-prompts.ts'
import { fixtureResources } from '../conformance/fixture-resources.ts'
import { echoTool, failingTool, slowTool, startMcpComposition } from './mcp-composition.ts'

const server = await startMcpComposition({
  tools: [echoTool, slowTool, failingTool],
  resources: fixtureResources,
  prompts: fixturePrompts,
  limits: { sessionsMax: 400 },
})
process.send?.({ url: server.url, webSocketUrl: server.webSocketUrl, port: server.port })

process.on('message', async () => {
  for (let n = 0; n < 3; n++) {
    globalThis.gc?.()
    await sleep(10)
  }
  process.send?.({
    heapBytes: process.memoryUsage().heapUsed,
    failures: server.events
      .filter((event) => event.type === 'surface-failed')
      .map((event) => String(event.error)),
    inspection: { ...server.surface.inspect(), clients: [] },
    calls: server.calls.inFlight,
  })
  // Only failures are looked at; the rest would count as the server's memory.
  server.events.length = 0
})
process.on('disconnect', () => process.exit(0))
