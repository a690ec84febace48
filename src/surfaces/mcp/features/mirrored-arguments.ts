// Arguments that clients repeat in a header each, so that whoever stands between can route without reading the body: the schema
// says `x-mcp-header`. Here is which ones a tool has; modern/request-headers.ts compares. Source: basic/transports/streamable-http
// of 2026-07-28, "Custom Headers from Tool Parameters".

import { assert } from '../../../lib/assert.ts'
import { isObject } from '../envelope.ts'

const key = 'x-mcp-header'
const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const types: readonly unknown[] = ['string', 'integer', 'boolean']

/** One argument with a header of its own. */
export interface MirroredArgument {
  /** `Mcp-Param-Region`. */
  readonly header: string
  /** The members that lead to it from the arguments. */
  readonly path: readonly string[]
}

/** Those of one schema. What clients would have to turn the whole tool away for is a bug of ours. */
export function mirroredArguments(tool: string, schema: unknown): readonly MirroredArgument[] {
  const found: MirroredArgument[] = []
  collect(schema, [])
  const names = new Set(found.map(({ header }) => header.toLowerCase()))
  assert(names.size === found.length, `${tool} has one ${key} twice`)
  assert(marks(schema) === found.length, `${tool} has an ${key} on what is no plain property`)
  return found

  function collect(node: unknown, path: readonly string[]): void {
    if (!isObject(node)) return
    const name = node[key]
    if (typeof name === 'string' && path.length > 0) {
      assert(tokenPattern.test(name), `${tool}: ${JSON.stringify(name)} is no name for a header`)
      assert(types.includes(node.type), `${tool}: ${name} must be a string, an integer or a boolean`)
      found.push({ header: `Mcp-Param-${name}`, path })
    }
    if (!isObject(node.properties)) return
    for (const [property, inner] of Object.entries(node.properties)) collect(inner, [...path, property])
  }
}

// Wherever it stands: an argument may itself be called so, but then what it holds is a schema, no text.
function marks(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 0
  const own = isObject(node) && typeof node[key] === 'string' ? 1 : 0
  return Object.values(node).reduce((sum: number, inner) => sum + marks(inner), own)
}
