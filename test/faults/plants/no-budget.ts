// Every retry is allowed, whatever the vendor goes through.

import { plantFault } from '../../support/plant-fault.ts'

plantFault('/src/routing/retry-budget.ts', 'if (account[purse] < 1 - 1e-9) return false', '')
