import { expect, test } from 'vitest'
import { z } from 'zod'
import { mirroredArguments } from './mirrored-arguments.ts'

const schemaOf = (input: z.ZodType): unknown => z.toJSONSchema(input, { io: 'input' })
const region = z.string().meta({ 'x-mcp-header': 'Region' })

test('finds what is marked, however deep, and nothing else', () => {
  const schema = schemaOf(
    z.strictObject({
      region,
      query: z.string(),
      limits: z.strictObject({ rows: z.int().optional().meta({ 'x-mcp-header': 'Rows' }) }),
      'x-mcp-header': z.string(),
    }),
  )
  expect(mirroredArguments('sql', schema)).toEqual([
    { header: 'Mcp-Param-Region', path: ['region'] },
    { header: 'Mcp-Param-Rows', path: ['limits', 'rows'] },
  ])
})

test.each([
  ['in a list', z.strictObject({ all: z.array(region) }), 'no plain property'],
  ['one of several', z.strictObject({ a: z.union([region, z.boolean()]) }), 'no plain property'],
  ['as the arguments themselves', z.strictObject({}).meta({ 'x-mcp-header': 'All' }), 'no plain property'],
  ['twice', z.strictObject({ a: region, b: z.string().meta({ 'x-mcp-header': 'region' }) }), 'twice'],
  ['a fraction', z.strictObject({ a: z.number().meta({ 'x-mcp-header': 'A' }) }), 'an integer'],
  ['no name for a header', z.strictObject({ a: z.string().meta({ 'x-mcp-header': 'a b' }) }), 'no name'],
])('%s: a mark for which clients turn the tool away does not get that far', (_what, input, why) => {
  expect(() => mirroredArguments('sql', schemaOf(input))).toThrow(why)
})
