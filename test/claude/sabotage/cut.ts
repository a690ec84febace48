// Cuts a replaced server off: it ends at once instead of serving whoever is still there.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/dist/src/cli/serve.js',
  'within(server.release(ear?.strays), replacedTimeoutMs(config))',
  'within(server.release(ear?.strays), 0)',
)
