// A client that leaves while its session is rebuilt is waited for.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/surfaces/mcp/legacy/http.ts',
  "if (response.closed && request.method !== 'DELETE') return",
  '',
)
plantFault('/src/transport/when-closed.ts', 'if (response.closed) process.nextTick(run)', 'if (false) run()')
plantFault('/src/transport/sse.ts', 'this.#isOpen = !response.closed', 'this.#isOpen = true')
