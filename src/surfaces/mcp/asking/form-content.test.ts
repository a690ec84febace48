import { describe, expect, test } from 'vitest'
import type { FormField, FormSchema } from '../../../domain/asking.ts'
import { checkFormContent } from './form-content.ts'

const form = (field: FormField, required: readonly string[] = ['field']): FormSchema => ({
  type: 'object',
  properties: { field },
  required,
})
const choices = [
  { const: 'a', title: 'First' },
  { const: 'b', title: 'Second' },
]

describe('what a person filled in', () => {
  test.each<[string, FormField, unknown, unknown]>([
    ['a text', { type: 'string', minLength: 2, maxLength: 4 }, 'abc', 'abcde'],
    ['an address', { type: 'string', format: 'email' }, 'a@example.com', 'nobody'],
    ['a link', { type: 'string', format: 'uri' }, 'https://example.com/x', 'no link'],
    ['a day', { type: 'string', format: 'date' }, '2026-11-22', '22.11.2026'],
    ['a moment', { type: 'string', format: 'date-time' }, '2026-11-22T10:00:00+01:00', '10 o clock'],
    ['a whole number', { type: 'integer', minimum: 1, maximum: 3 }, 3, 2.5],
    ['a number', { type: 'number', minimum: 0.5 }, 0.5, 0.4],
    ['a yes or no', { type: 'boolean' }, false, 'false'],
    ['one of a set', { type: 'string', enum: ['a', 'b'] }, 'a', 'c'],
    ['one of a set with names', { type: 'string', enum: ['a'], enumNames: ['A'] }, 'a', 'A'],
    ['one of a titled set', { type: 'string', oneOf: choices }, 'b', 'Second'],
    [
      'some of a set',
      { type: 'array', items: { type: 'string', enum: ['a', 'b'] }, maxItems: 1 },
      ['a'],
      ['a', 'b'],
    ],
    ['some of a titled set', { type: 'array', items: { anyOf: choices }, minItems: 1 }, ['a', 'b'], []],
  ])('%s fits its field or does not', (_name, field, good, bad) => {
    expect(checkFormContent({ field: good }, form(field))).toEqual({ field: good })
    expect(checkFormContent({ field: bad }, form(field))).toContain('"field"')
    expect(checkFormContent({}, form(field))).toContain('"field"')
    expect(checkFormContent({}, form(field, []))).toEqual({})
  })

  test('that nobody asked for is left out', () => {
    expect(checkFormContent({ field: true, other: 'x' }, form({ type: 'boolean' }))).toEqual({ field: true })
  })

  test('is told of in a sentence that stays short', () => {
    const names = Array.from({ length: 50 }, (_, index) => `field${index}`)
    const properties = Object.fromEntries(names.map((name) => [name, { type: 'boolean' } as const]))
    const problems = checkFormContent('nonsense', { type: 'object', properties, required: names })
    expect(typeof problems).toBe('string')
    const many = checkFormContent({}, { type: 'object', properties, required: names })
    expect(String(many).length).toBeLessThan(500)
  })
})
