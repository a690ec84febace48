// Leaks: the first slot that would be given back is not.

import { plantFault } from './plant.ts'

plantFault(
  '/dist/src/admission/slot-queue.js',
  'this.#held--',
  'this.#held -= (globalThis.sabotagedSlots ??= 0) === 0 ? globalThis.sabotagedSlots++ : 1',
)
