// Each connection leaves a timer.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/transport/edge.ts',
  "socket.on('close', () => this.#forget(open))",
  "socket.on('close', () => [this.#forget(open), setTimeout(() => undefined, 3_600_000)])",
)
