// What `tools/list` says of a tool's arguments is what the tool takes: the schema that clients and models read, in JSON Schema 2020-12,
// and the one that checks are two forms of one declaration, and an independent validator must judge every value as ours does.

import { AjvJsonSchemaValidator } from '@modelcontextprotocol/server/validators/ajv'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { tools } from '../../src/tools/registry.ts'
import { defineTool, type Tool } from '../../src/tools/tool.ts'

type Fields = Readonly<Record<string, unknown>>
interface Property {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly minimum?: number
}
interface ListedSchema {
  readonly properties?: Readonly<Record<string, Property>>
  readonly required?: readonly string[]
}

const values: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  7,
  1e308,
  '',
  'x',
  'x'.repeat(300),
  'x'.repeat(300_000),
  '__proto__',
  'glm',
  '/tmp/x',
  [],
  ['a'],
  [1],
  {},
  { a: 1 },
]

function fitting({ type, enum: choices, minimum = 1 }: Property): unknown {
  if (choices !== undefined) return choices[0]
  switch (type) {
    case 'integer':
    case 'number':
      return minimum
    case 'boolean':
      return true
    case 'array':
      return []
    case 'object':
      return {}
    default:
      return 'text'
  }
}

/** Arguments that should fit, and the same with one field put to every value, gone, or one too many. */
function* argumentsFor({ properties = {}, required = [] }: ListedSchema): Generator<unknown> {
  const good: Fields = Object.fromEntries(required.map((name) => [name, fitting(properties[name] ?? {})]))
  yield good
  for (const name of Object.keys(properties)) {
    for (const value of values) yield { ...good, [name]: value }
    const { [name]: _gone, ...rest } = good
    yield rest
  }
  yield { ...good, more: 1 }
  yield* [null, [], 'text', 7]
}

/** Arguments about which the two do not agree. */
function disagreements({ input }: Tool): readonly unknown[] {
  const listed = z.toJSONSchema(input, { target: 'draft-2020-12', io: 'input' }) as ListedSchema
  const check = new AjvJsonSchemaValidator().getValidator(listed as never)
  return [...argumentsFor(listed)].filter((sent) => input.safeParse(sent).success !== check(sent).valid)
}

test.each(tools.map((tool) => [tool.name, tool] as const))(
  '%s takes what it lists, and nothing else',
  (_name, tool) => {
    expect(disagreements(tool)).toEqual([])
  },
)

test('a tool that is stricter than it says is found out', () => {
  const strict = defineTool({
    name: 'strict',
    title: 'Strict',
    description: 'Wants a short text, and does not say so.',
    input: z.strictObject({ text: z.string().refine((text) => text.length < 10) }),
    annotations: {},
    pace: 'instant',
    run: async () => ({ content: [] }),
  })
  expect(disagreements(strict)).not.toEqual([])
})
