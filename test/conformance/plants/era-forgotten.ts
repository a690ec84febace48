// On a WebSocket the first request of 2026-07-28 is taken for one of the older era.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/surfaces/mcp/websocket-client.ts',
  'if (isModern(request.params, undefined)) {',
  "if (isModern(request.params, undefined) && request.method !== 'server/discover') {",
)
