// A slot whose tokens the vendor counted is never given back.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/routing/vendor-site.ts',
  'else if (isServed) lease.release(settlement)',
  'else if (isServed && settlement !== undefined) return\n  else if (isServed) lease.release()',
)
