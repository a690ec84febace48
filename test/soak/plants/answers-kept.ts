// Every call that ends leaves some hundred kilobytes.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/calls/run.ts',
  'this.#emitEnd(running, failure, isAbandoned)',
  `((globalThis.sabotagedAnswers ??= []).push(new Array(16_384).fill(running.id)),
    this.#emitEnd(running, failure, isAbandoned))`,
)
