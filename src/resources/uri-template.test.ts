import { expect, test } from 'vitest'
import { expandUri, matchUri, parseTemplate } from './uri-template.ts'

const shape = parseTemplate('exai://documents/{handle}/text')

test('a template gives back what was put into it', () => {
  for (const value of ['file_abc', 'a b/c?d', 'ümlaut', '%41', '{handle}']) {
    expect(matchUri(shape, expandUri(shape, value))).toBe(value)
  }
})

test.each([
  'exai://documents//text',
  'exai://documents/text',
  'exai://documents/a/b/text',
  'exai://documents/a?b/text',
  'exai://documents/%E0%A4/text',
  'exai://documents/%zz/text',
  `exai://documents/${'a'.repeat(600)}/text`,
  'EXAI://documents/a/text',
  'exai://documents/a/text ',
  '',
])('%s is nothing of ours', (uri) => {
  expect(matchUri(shape, uri)).toBeNull()
})

test('a URI without a variable matches itself alone', () => {
  const plain = parseTemplate('exai://models')
  expect(matchUri(plain, 'exai://models')).toBe('')
  expect(matchUri(plain, 'exai://models/')).toBeNull()
  expect(expandUri(plain, 'x')).toBe('exai://models')
})
