// Leaks: the first slot that would be given back is not.

import { plantFault } from './plant.ts'

plantFault(
  '/dist/src/admission/quota-group.js',
  'this.#finish(job, settlement);',
  'if (globalThis.sabotagedSlots === undefined) globalThis.sabotagedSlots = 1; else this.#finish(job, settlement);',
)
