// A message whose method is no method ends the process.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/surfaces/mcp/envelope.ts',
  `return malformed(id, rpcCode.invalidRequest, 'Invalid Request: "method" must be a short string.')`,
  `setImmediate(() => { throw new Error('sabotaged') })
    return malformed(id, rpcCode.invalidRequest, 'Invalid Request: "method" must be a short string.')`,
)
