import { expect, test } from 'vitest'
import { canonicalUri, expandUri, matchUri, parseTemplate } from './uri-template.ts'

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

test.each([
  ['exai://documents/%66ile/text', 'exai://documents/file/text'],
  ['exai://documents/a%2fb%20%c3%9c%41/text', 'exai://documents/a%2Fb%20%C3%9CA/text'],
  ['exai://documents/%E0%A4/text', 'exai://documents/%E0%A4/text'],
  ['exai://documents/%zz%4/text', 'exai://documents/%zz%4/text'],
  ['EXAI://documents/a/text', 'EXAI://documents/a/text'],
])('%s is spelt %s, and that is spelt as it is', (uri, spelling) => {
  expect(canonicalUri(uri)).toBe(spelling)
  expect(canonicalUri(spelling)).toBe(spelling)
})

test('every spelling of a member of a family has the one that the family gives it', () => {
  for (const value of ['file_abc', 'a b/c?d', 'ümlaut', '%41', '{handle}']) {
    const escaped = [...Buffer.from(value)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
    const uri = `exai://documents/${escaped}/text`
    expect(matchUri(shape, uri)).toBe(value)
    expect(canonicalUri(uri)).toBe(expandUri(shape, value))
  }
})

test('what is longer than any URI of ours keeps its spelling', () => {
  expect(canonicalUri('%61'.repeat(170))).toBe('a'.repeat(170))
  expect(canonicalUri('%61'.repeat(171))).toBe('%61'.repeat(171))
})

test('a URI without a variable matches itself alone', () => {
  const plain = parseTemplate('exai://models')
  expect(matchUri(plain, 'exai://models')).toBe('')
  expect(matchUri(plain, 'exai://models/')).toBeNull()
  expect(expandUri(plain, 'x')).toBe('exai://models')
})
