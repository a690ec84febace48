// How a tool whose answers are kept or shared is asked for a new one.

import { z } from 'zod'

/** The field of tools whose answers are kept, to be spread into a tool's input schema. */
export const freshField: Readonly<Record<'fresh', z.ZodDefault<z.ZodBoolean>>> = {
  fresh: z.boolean().default(false).describe('True: make it anew, not from the cache'),
}

/** The same of tools whose answers are not kept: only identical jobs of the same moment share one. */
export const ownAnswerField: Readonly<Record<'fresh', z.ZodDefault<z.ZodBoolean>>> = {
  fresh: z
    .boolean()
    .default(false)
    .describe(
      'True: an answer of its own, even while an identical call runs; for a second opinion or a vote',
    ),
}
