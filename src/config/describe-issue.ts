// Turns what the schema refused into lines for a person: file, line, column, key, what was expected, what was found.

import type { z } from 'zod'
import { knownKeys, nearestKey } from './known-keys.ts'

/** Where values and keys stand, as the beginning of a line: `exai.yaml:3:9: `, `EXAI_PORT: `, or nothing. */
export interface Places {
  ofValue(path: string): string
  ofKey(path: string): string
}

const foundCharsMax = 60

/** One line for each fault. Values of API keys are never shown. */
export function describeIssue(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  value: unknown,
  places: Places,
): readonly string[] {
  const path = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const inner = path === '' ? key : `${path}.${key}`
      const known = knownKeys(schema, issue.path)
      const nearest = nearestKey(key, known)
      const meant = nearest === null ? '' : ` Did you mean "${nearest}"?`
      return `${places.ofKey(inner)}${inner}: unknown key.${meant} Known here: ${known.join(', ')}.`
    })
  }
  if (issue.code === 'invalid_key') {
    const expected = issue.issues[0]?.message ?? 'a known name'
    return [`${places.ofKey(path)}${path}: expected ${expected}.`]
  }
  const found = /(^|\.)apiKeys?(\.|$)/.test(path) ? '' : describeFound(valueAt(value, issue.path))
  return [`${places.ofValue(path)}${path || 'the file'}: expected ${issue.message}${found}.`]
}

/** A fault found after the schema: the same form for the place. */
export function describeFault(places: Places, path: string, sentence: string): string {
  return `${places.ofValue(path)}${path}: ${sentence}`
}

function describeFound(value: unknown): string {
  if (value === undefined) return ', found nothing'
  if (Array.isArray(value)) return ', found a list'
  if (typeof value === 'object') return ', found a section'
  const shown = JSON.stringify(value) ?? String(value)
  return `, found ${shown.length > foundCharsMax ? `${shown.slice(0, foundCharsMax)}…` : shown}`
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((current, step) => {
    if (typeof current === 'object' && current !== null)
      return (current as Record<PropertyKey, unknown>)[step]
    // Where a list may be written as its one word, that word is what was found.
    return step === 0 ? current : undefined
  }, value)
}
