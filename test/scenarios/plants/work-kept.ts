// The work of a call of a session is an object literal with a getter, as it once was.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/surfaces/mcp/legacy/resumable-call.ts',
  '    exchange.work = new HeldWork(this, () => this.#gone())',
  `    const call = this
    exchange.work = {
      cancel: () => this.work?.cancel(),
      clientGone: () => this.#gone(),
      answerLost: (json) => this.work?.answerLost?.(json),
      get outlivesReader() { return call.work?.outlivesReader === true },
    }`,
)
