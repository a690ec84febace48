// Turns a schema's complaints into sentences a model can act on: the field, what was expected, what was sent, and the
// known field whose name is nearest to an unknown one. Bounded, however bad the arguments are.

import { z } from 'zod'
import { nearestName } from '../../../lib/nearest-name.ts'
import type { Tool, ToolResult } from '../../../tools/tool.ts'
import { isObject, type JsonObject } from '../envelope.ts'

const complaintsMax = 5
const shownCharsMax = 80

/** The arguments, checked; or the result that says what is wrong with them. */
export type CheckedArguments =
  | { readonly isValid: true; readonly value: unknown }
  | { readonly isValid: false; readonly result: ToolResult }

/** Fields, checked; or sentences about what is wrong with them. */
export type CheckedFields<Value> =
  | { readonly isValid: true; readonly value: Value }
  | { readonly isValid: false; readonly complaints: readonly string[] }

/** Checks `sent` against the tool's schema. */
export function checkArguments(tool: Tool, sent: JsonObject): CheckedArguments {
  const checked = checkFields(tool.input, sent)
  if (checked.isValid) return checked
  const text = `The arguments of ${tool.name} are not valid. ${checked.complaints.join(' ')}`
  return {
    isValid: false,
    result: {
      isError: true,
      content: [{ type: 'text', text }],
      meta: {
        'exai/failure': { code: 'bad-request', retryable: false, retryAfterMs: null, advice: 'change' },
      },
    },
  }
}

/** Checks `sent` against any schema of an object. */
export function checkFields<Schema extends z.ZodType>(
  schema: Schema,
  sent: JsonObject,
): CheckedFields<z.output<Schema>> {
  const checked = schema.safeParse(sent)
  if (checked.success) return { isValid: true, value: checked.data }
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  const { issues } = checked.error
  const complaints = issues
    .slice(0, complaintsMax)
    .flatMap((issue) => sentences(issue, sent, known))
    .slice(0, complaintsMax)
  if (issues.length > complaintsMax) complaints.push(`And ${issues.length - complaintsMax} more.`)
  return { isValid: false, complaints }
}

function sentences(issue: z.core.$ZodIssue, sent: JsonObject, known: readonly string[]): string[] {
  const field = fieldName(issue.path)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, complaintsMax).map((key) => {
      const near = issue.path.length === 0 ? nearestName(key, known) : null
      const hint =
        near !== null
          ? ` Did you mean "${near}"?`
          : known.length > 0 && issue.path.length === 0
            ? ` Known fields: ${known.join(', ')}.`
            : ''
      return `There is no field "${cut(key)}"${issue.path.length === 0 ? '' : ` in "${field}"`}.${hint}`
    })
  }
  const value = valueAt(sent, issue.path)
  if (value === undefined) {
    const near = nearestName(field, Object.keys(sent))
    const hint = near === null ? '' : ` You sent "${cut(near)}"; did you mean "${field}"?`
    return [`"${field}" is missing: ${expectation(issue)}.${hint}`]
  }
  return [`"${field}": ${expectation(issue)}; sent was ${shown(value)}.`]
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `expected ${issue.expected}`
  if (issue.code === 'invalid_value') {
    return `expected one of ${cut(issue.values.map((value) => JSON.stringify(value)).join(', '), 300)}`
  }
  return issue.message.replace(/^Invalid input: /, '').replace(/\.$/, '')
}

function fieldName(path: readonly PropertyKey[]): string {
  let name = ''
  for (const step of path) {
    if (typeof step === 'number') name += `[${step}]`
    else name += name === '' ? String(step) : `.${String(step)}`
  }
  return name === '' ? 'arguments' : cut(name)
}

function valueAt(sent: unknown, path: readonly PropertyKey[]): unknown {
  let value = sent
  for (const step of path) {
    if (Array.isArray(value) && typeof step === 'number') value = value[step]
    else if (isObject(value) && typeof step === 'string' && Object.hasOwn(value, step)) value = value[step]
    else return undefined
  }
  return value
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `the string ${cut(JSON.stringify(value.slice(0, shownCharsMax * 2)))}`
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (isObject(value)) return 'an object'
  return `${String(value)}`
}

function cut(text: string, charsMax = shownCharsMax): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax)}…`
}
