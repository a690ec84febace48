// Which keys the schema knows at a place, and which of them a misspelt one most likely meant.

import { z } from 'zod'
import { nearestName } from '../lib/nearest-name.ts'

/** The keys that may stand in the section at `path`; empty where any name may. */
export function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const at = path.reduce<z.ZodType | null>((current, step) => child(current, step), schema)
  const found = at === null ? null : unwrap(at)
  return found instanceof z.ZodObject ? Object.keys(found.shape) : []
}

/** Of keys without a value, which no schema is shown, those that it does not know. */
export function unknownAmong(
  schema: z.ZodType,
  paths: readonly (readonly string[])[],
): readonly (readonly string[])[] {
  return paths.filter((path) => {
    const known = knownKeys(schema, path.slice(0, -1))
    return known.length > 0 && !known.includes(path.at(-1) ?? '')
  })
}

/** The known key with the fewest changes from `key`, if it is close enough to have been meant. */
export function nearestKey(key: string, known: readonly string[]): string | null {
  return nearestName(key, known, Math.max(2, Math.floor(key.length / 2)))
}

function child(schema: z.ZodType | null, step: PropertyKey): z.ZodType | null {
  const at = schema === null ? null : unwrap(schema)
  if (at instanceof z.ZodObject) return (at.shape[String(step)] as z.ZodType | undefined) ?? null
  if (at instanceof z.ZodRecord) return at.valueType as z.ZodType
  if (at instanceof z.ZodArray) return at.element as z.ZodType
  return null
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable
  ) {
    return unwrap(schema.unwrap() as z.ZodType)
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.out as z.ZodType) : schema
}
