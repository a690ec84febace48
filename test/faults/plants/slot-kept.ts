// A slot whose tokens the vendor counted is never given back.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/routing/vendor-site.ts',
  'else lease.release(settlement)',
  'else if (settlement === undefined) lease.release()',
)
