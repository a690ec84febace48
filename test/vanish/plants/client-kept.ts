// The front door forgets no client.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/admission/front-door.ts',
  'if (isIdle(client, now) && now - client.lastSeen >= this.#options.clientIdleMs) {',
  'if (isIdle(client, now) && now < client.lastSeen) {',
)
