// A key dies, and nobody is told.

import { plantFault } from '../../support/plant-fault.ts'

plantFault('/src/routing/key-health.ts', 'if (wasAlive) this.#options.onDeath?.(key.name)', '')
