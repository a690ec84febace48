// When a simulated model calls a tool, and with what: it does when the user's message names one of the offered
// functions, or when it must. Arguments are made from the function's schema and carry the user's text.

import { hashOf, isObject, type JsonObject, objectsOf } from './json.ts'

/** A call the model makes. */
export interface ToolCall {
  readonly id: string
  readonly type: 'function' | 'builtin_function'
  readonly name: string
  /** JSON text. */
  readonly arguments: string
}

/** The function definitions among a request's tools. */
export function functionsOf(tools: unknown): JsonObject[] {
  return objectsOf(tools)
    .filter((tool) => tool.type === 'function')
    .map((tool) => tool.function)
    .filter(isObject)
}

/** The call a model makes for this user text, if any. `isForced` makes it call the first function in any case. */
export function toolCallFor(
  functions: readonly JsonObject[],
  user: string,
  isForced: boolean,
): ToolCall | undefined {
  const named = functions.find(
    (one) => typeof one.name === 'string' && one.name !== '' && user.includes(one.name),
  )
  const chosen = named ?? (isForced ? functions[0] : undefined)
  if (!chosen || typeof chosen.name !== 'string') return undefined
  const args = JSON.stringify(sampleOf(chosen.parameters, user))
  return { id: `call_${hashOf(chosen.name + args)}`, type: 'function', name: chosen.name, arguments: args }
}

/** A value that fits a JSON schema; strings carry `text`. Depth is bounded, an unknown schema gives an empty object. */
export function sampleOf(schema: unknown, text: string, depth = 0): unknown {
  if (!isObject(schema) || depth > 8) return depth === 0 ? {} : null
  if (schema.const !== undefined) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0]
  for (const key of ['anyOf', 'oneOf', 'allOf']) {
    const branch = objectsOf(schema[key])[0]
    if (branch) return sampleOf(branch, text, depth + 1)
  }
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  switch (type) {
    case 'string':
      return text.slice(0, 400)
    case 'integer':
    case 'number':
      return typeof schema.minimum === 'number' ? schema.minimum : 1
    case 'boolean':
      return true
    case 'null':
      return null
    case 'array':
      return [sampleOf(schema.items, text, depth + 1)]
    default:
      return sampleObject(schema, text, depth)
  }
}

function sampleObject(schema: JsonObject, text: string, depth: number): unknown {
  const properties = isObject(schema.properties) ? schema.properties : {}
  return Object.fromEntries(
    Object.entries(properties)
      .slice(0, 100)
      .map(([name, property]) => [name, sampleOf(property, text, depth + 1)]),
  )
}
