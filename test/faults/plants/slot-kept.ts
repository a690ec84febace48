// A slot whose tokens the vendor counted is never given back.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/routing/vendor-site.ts',
  'else if (isServed) lease.release(settlement)',
  'else if (isServed && settlement === undefined) lease.release()\n  else if (isServed) return',
)
