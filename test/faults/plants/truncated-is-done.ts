// A stream that ends without finish_reason and without [DONE] counts as a whole answer.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/providers/dialect/chunk-reader.ts',
  'if (!this.#isDone && this.#finishReason === null) return { parts, failure: this.truncated(undefined) }',
  '',
)
