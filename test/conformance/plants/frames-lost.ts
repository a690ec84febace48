// Progress over a WebSocket is dropped.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/surfaces/mcp/websocket-exchange.ts',
  'if (!this.#isOver) this.#connection.sendLatest(this, json)',
  'void json',
)
