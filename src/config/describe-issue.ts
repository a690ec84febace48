// Turns what the schema refused into lines for a person: file, line, column, key, what was expected, what was found.

import type { z } from 'zod'
import { knownKeys, nearestKey } from './known-keys.ts'

/** Where values and keys stand, as the beginning of a line: `exai.yaml:3:9: `, `EXAI_PORT: `, or nothing. */
export interface Places {
  ofValue(path: string): string
  ofKey(path: string): string
  /** The variable the value came from; null where it came from none. */
  variableOf(path: string): string | null
}

const foundCharsMax = 60

/** One line for each fault. Never shown: whatever stands under `providers`, where keys belong, and what came from a variable. */
export function describeIssue(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  value: unknown,
  places: Places,
): readonly string[] {
  const path = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => describeUnknownKey([...issue.path, key], schema, places))
  }
  if (issue.code === 'invalid_key') {
    const expected = issue.issues[0]?.message ?? 'a known name'
    return [`${places.ofKey(path)}${path}: expected ${expected}.`]
  }
  const found = describeFound(issue.path, value, places)
  return [`${places.ofValue(path)}${path || 'the file'}: expected ${issue.message}${found}.`]
}

/** The line for a key that the schema does not know. */
export function describeUnknownKey(path: readonly PropertyKey[], schema: z.ZodType, places: Places): string {
  const inner = path.map(String).join('.')
  const known = knownKeys(schema, path.slice(0, -1))
  const nearest = nearestKey(String(path.at(-1)), known)
  const meant = nearest === null ? '' : ` Did you mean "${nearest}"?`
  return `${places.ofKey(inner)}${inner}: unknown key.${meant} Known here: ${known.join(', ')}.`
}

/** A fault found after the schema: the same form for the place. */
export function describeFault(places: Places, path: string, sentence: string): string {
  return `${places.ofValue(path)}${path}: ${sentence}`
}

function describeFound(path: readonly PropertyKey[], whole: unknown, places: Places): string {
  const value = valueAt(whole, path)
  if (path[0] === 'providers' && isSingle(value)) return ''
  // A list that is written as its one word has its variable one step up.
  const variable =
    places.variableOf(path.map(String).join('.')) ??
    places.variableOf(path.slice(0, -1).map(String).join('.'))
  if (variable !== null && isSingle(value)) return `, found what ${variable} holds`
  if (value === undefined) return ', found nothing'
  if (Array.isArray(value)) return ', found a list'
  if (typeof value === 'object') return ', found a section'
  const shown = JSON.stringify(value) ?? String(value)
  return `, found ${shown.length > foundCharsMax ? `${shown.slice(0, foundCharsMax)}…` : shown}`
}

function isSingle(value: unknown): boolean {
  return value !== undefined && (typeof value !== 'object' || value === null)
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((current, step) => {
    if (typeof current === 'object' && current !== null)
      return (current as Record<PropertyKey, unknown>)[step]
    // Where a list may be written as its one word, that word is what was found.
    return step === 0 ? current : undefined
  }, value)
}
