// Leaks: the first slot that would be given back is not.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/dist/src/admission/quota-group.js',
  'finish: (settlement, isServed) => this.#finish(job, settlement, isServed),',
  `finish: (settlement, isServed) => {
    if (globalThis.sabotagedSlots === undefined) globalThis.sabotagedSlots = 1
    else this.#finish(job, settlement, isServed)
  },`,
)
