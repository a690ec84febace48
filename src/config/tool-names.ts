// What the file says by the name of a tool. The names are the registry's own: a misspelt one is told with its place, by every command
// that reads the file, and no command can forget to look.

import { z } from 'zod'
import { tools } from '../tools/registry.ts'
import { nearestKey } from './known-keys.ts'
import { milliseconds, section } from './schema-words.ts'

const names = tools.map(({ name }) => name)

/** The name of a tool. */
export const toolName: z.ZodType<string> = z.enum(names, {
  error({ input }) {
    const nearest = nearestKey(String(input), names)
    return `a tool's name${nearest === null ? '' : ` (did you mean "${nearest}"?)`}, one of ${names.join(', ')}`
  },
})

/** A section of milliseconds by tool; each may be left out. */
export const toolTimes: z.ZodPrefault<z.ZodType<Readonly<Record<string, number | undefined>>>> = section(
  Object.fromEntries(names.map((name) => [name, milliseconds.optional()])),
).prefault({})
