// All faults of each vendor in one table: shared faults of the wire and of meaning, and the vendor's own.

import type { FaultTable } from './faults.ts'
import { glmFaults } from './glm/faults.ts'
import { kimiFaults } from './kimi/faults.ts'
import { planFaults } from './plan-faults.ts'
import type { Vendor } from './vendors.ts'
import { wireFaults } from './wire-faults.ts'

/** Every fault by vendor and name. */
export const faultTables: Readonly<Record<Vendor, FaultTable>> = {
  glm: { ...wireFaults, ...planFaults, ...glmFaults },
  kimi: { ...wireFaults, ...planFaults, ...kimiFaults },
}
