// How a tool whose answers are kept is asked for a new one.

import { z } from 'zod'

/** The field, to be spread into a tool's input schema. */
export const freshField: Readonly<Record<'fresh', z.ZodDefault<z.ZodBoolean>>> = {
  fresh: z.boolean().default(false).describe('True: make it anew, not from the cache'),
}
