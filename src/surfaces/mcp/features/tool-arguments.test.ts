import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../../tools/tool.ts'
import type { JsonObject } from '../envelope.ts'
import { checkArguments } from './tool-arguments.ts'

const tool = defineTool({
  name: 'review',
  title: 'Review',
  description: 'Reviews.',
  input: z.strictObject({
    code: z.string().max(20),
    focus: z.enum(['security', 'speed']).optional(),
    files: z.array(z.strictObject({ path: z.string() })).optional(),
  }),
  annotations: {},
  pace: 'instant',
  run: async () => ({ content: [] }),
})

function complaint(sent: JsonObject): string {
  const checked = checkArguments(tool, sent)
  if (checked.isValid) throw new Error('it was valid')
  const [first] = checked.result.content
  return first?.type === 'text' ? first.text : ''
}

test('valid arguments come back checked', () => {
  expect(checkArguments(tool, { code: 'x' })).toEqual({ isValid: true, value: { code: 'x' } })
})

test('a sentence names the field, what was expected and what was sent', () => {
  expect(complaint({ code: 1 })).toBe(
    'The arguments of review are not valid. "code": expected string; sent was 1.',
  )
  expect(complaint({ code: 'x', focus: 'style' })).toContain(
    '"focus": expected one of "security", "speed"; sent was the string "style".',
  )
  expect(complaint({ code: 'x', files: [{ path: 'a' }, { path: null }] })).toContain(
    '"files[1].path": expected string; sent was null.',
  )
})

test('a mistyped required field is told once for what it is', () => {
  expect(complaint({ cod: 'x' })).toContain(
    '"code" is missing: expected string. You sent "cod"; did you mean "code"?',
  )
})

test('the message stays short, whatever is sent', () => {
  const many = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, n) => [`field ${n} ${'x'.repeat(200)}`, n]),
  )
  expect(complaint({ code: 'y'.repeat(100_000), ...many }).length).toBeLessThan(1_500)
  const files = Array.from({ length: 5_000 }, () => ({ path: 7 }))
  expect(complaint({ code: 'x', files })).toMatch(/And 4995 more\.$/)
})

test('a key of every object is no value of this one', () => {
  expect(complaint({ code: 'x', constructor: 1 })).toContain('There is no field "constructor".')
  expect(complaint({})).toContain('"code" is missing')
})
