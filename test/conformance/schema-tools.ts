// Tools of the suite that are about their schemas: every keyword of JSON Schema 2020-12 that it looks for, and an argument that
// clients repeat in a header.

import { z } from 'zod'
import { defineTool, type Tool } from '../../src/tools/tool.ts'

const address = z
  .object({ street: z.string().optional(), city: z.string().optional() })
  .meta({ id: 'address', $anchor: 'addressDef' })

// As pairs: an object with a member "then" would pass for a promise.
const byMethod = Object.fromEntries([
  ['if', { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] }],
  ['then', { required: ['phone'] }],
  ['else', { required: ['email'] }],
])

const contact = z
  .strictObject({
    name: z.string().optional(),
    address: address.optional(),
    contactMethod: z.enum(['phone', 'email']).optional(),
    phone: z.string().optional(),
    email: z.string().optional(),
  })
  .refine(({ contactMethod = 'email', ...sent }) => sent[contactMethod] !== undefined, {
    error: 'needs "phone" where contactMethod is "phone", else "email"',
  })
  .meta({ allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }], ...byMethod })

const keywords = defineTool({
  name: 'json_schema_2020_12_tool',
  title: 'Contact',
  description: 'Tool with JSON Schema 2020-12 features',
  input: contact,
  annotations: { readOnlyHint: true },
  pace: 'instant',
  run: async ({ contactMethod = 'email' }) => ({ content: [{ type: 'text', text: contactMethod }] }),
})

const mirrored = defineTool({
  name: 'test_mirrored_argument',
  title: 'Mirrored argument',
  description: 'Says the region, which clients repeat in the header Mcp-Param-Region.',
  input: z.strictObject({ region: z.string().meta({ 'x-mcp-header': 'Region' }) }),
  annotations: { readOnlyHint: true },
  pace: 'instant',
  run: async ({ region }) => ({ content: [{ type: 'text', text: region }] }),
})

/** What the suite asks schemas with. */
export const schemaTools: readonly Tool[] = [keywords, mirrored]
