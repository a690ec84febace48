// A frame that was cut is skipped, and what is around it counts as a whole answer.

import { plantFault } from '../../support/plant-fault.ts'

plantFault('/src/providers/dialect/chunk-reader.ts', 'this.#hasHole ||= this.#finishReason === null', '')
