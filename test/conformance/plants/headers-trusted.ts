// The header of an argument may say something else than the argument.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/surfaces/mcp/modern/request-headers.ts',
  'if (!isSame) return',
  'if (isSame === null) return',
)
