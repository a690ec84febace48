// `notifications/cancelled` is taken, and nothing comes of it.

import { plantFault } from '../../support/plant-fault.ts'

plantFault('/src/surfaces/mcp/legacy/dispatch.ts', 'else call.cancel()', 'else void call')
