// The log of a stream outlives its session.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/surfaces/mcp/legacy/event-store.ts',
  'this.#byName.delete(log.name)',
  'this.#byName.has(log.name)',
)
