// The edge remembers whoever went without a word.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/transport/edge.ts',
  'crowd?.delete(open) && crowd.size === 0',
  'crowd !== undefined && open.principal !== null && crowd.delete(open) && crowd.size === 0',
)
