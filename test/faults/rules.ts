// The rules of the fault matrix: every fault of the simulator stands in exactly one of them, or among those that strike no job of ours.
// See rule.ts for the notation, and docs/testing.md for how to add one.

import type { Vendor } from '../../simulator/vendors.ts'
import { answerRules } from './answer-rules.ts'
import { requestRules } from './request-rules.ts'
import type { Rule } from './rule.ts'
import { vendorRules } from './vendor-rules.ts'

/** All of them. */
export const rules: readonly Rule[] = [...answerRules, ...vendorRules, ...requestRules]

/** A fault of a door that no job of ours goes through. */
export interface Unmet {
  readonly vendor: Vendor
  readonly fault: string
  readonly why: string
}

/** Faults of doors that no job of ours goes through; the run checks that they indeed strike nobody. */
export const unmet: readonly Unmet[] = [
  { vendor: 'glm', fault: 'files-forbidden', why: 'GLM is given no files: it reads text that we extracted' },
  { vendor: 'glm', fault: 'file-too-large', why: 'GLM is given no files: it reads text that we extracted' },
  { vendor: 'kimi', fault: 'fiber-failed', why: 'Kimi searches by its builtin, not by a formula' },
  { vendor: 'kimi', fault: 'fiber-unknown', why: 'Kimi searches by its builtin, not by a formula' },
]
