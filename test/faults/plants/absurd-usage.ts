// Whatever number a vendor names as tokens is believed.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/providers/dialect/usage.ts',
  "typeof value === 'number' && value >= 0 && value <= attemptTokensMax",
  "typeof value === 'number'",
)
