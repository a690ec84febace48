// `lateResults:`: what becomes of calls whose client gave up or vanished.

import { z } from 'zod'
import { dayMs, gibibyte, section, wholeNumber } from './schema-words.ts'

/** Late results. Milliseconds and bytes of memory. */
export interface LateResultsConfig {
  /** False: a call ends with its connection. */
  readonly enabled: boolean
  readonly keepMs: number
  readonly bytesMax: number
  readonly bytesPerClientMax: number
  readonly resultsPerClientMax: number
  /** A closed stream of 2026-07-28, which is that protocol's word for cancelling, does not end its call either. */
  readonly closedStreamsToo: boolean
}

// For so long a bridge may ask again for a call: an answer that went sooner would pass for a call that never came, and be made twice.
const keepMsMin = 600_000
const bool = z.boolean({ error: 'true or false' })

/** The section. */
export const lateSection: z.ZodPrefault<z.ZodType<LateResultsConfig>> = section({
  enabled: bool.default(true),
  keepMs: wholeNumber(keepMsMin, dayMs, 'of milliseconds').default(keepMsMin),
  bytesMax: wholeNumber(65_536, 64 * gibibyte, 'of bytes').default(64 * 1024 * 1024),
  bytesPerClientMax: wholeNumber(65_536, gibibyte, 'of bytes').default(2 * 1024 * 1024),
  resultsPerClientMax: wholeNumber(1, 100_000, 'of results').default(1_000),
  closedStreamsToo: bool.default(false),
}).prefault({})
