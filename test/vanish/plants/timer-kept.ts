// The timer of an event stream goes on after its end.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/transport/sse.ts',
  '    this.#timer?.cancel()\n    this.#timer = null\n  }\n\n  readonly #keepAlive = (): void => {\n    if (!this.#isOpen) return\n',
  '  }\n\n  readonly #keepAlive = (): void => {\n    this.#timer = this.#options.clock.after(this.#keepAliveMs, this.#keepAlive)\n    if (!this.#isOpen) return\n',
)
