// Every call that ends leaves some kilobytes.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/calls/run.ts',
  'this.#emitEnd(running, failure, isAbandoned)',
  `((globalThis.sabotagedAnswers ??= []).push(new Array(4_096).fill(running.id)),
    this.#emitEnd(running, failure, isAbandoned))`,
)
