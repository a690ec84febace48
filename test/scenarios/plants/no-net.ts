// As `unheard`, and nothing hangs under the process.

import { plantFault } from '../../support/plant-fault.ts'
import './unheard.ts'

plantFault('/src/cli/last-net.ts', `options.source.on('unhandledRejection', this.#onRejection)`, '')
plantFault('/src/cli/last-net.ts', `options.source.on('uncaughtException', this.#onException)`, '')
