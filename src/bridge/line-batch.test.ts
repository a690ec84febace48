import { expect, test } from 'vitest'
import { messagesOf } from './line-batch.ts'

test('a list becomes one line a message, in order', () => {
  expect(messagesOf(' [{"id":1,"method":"ping"}, {"method":"x","params":{"a":[1]}}]')).toEqual([
    '{"id":1,"method":"ping"}',
    '{"method":"x","params":{"a":[1]}}',
  ])
})

test('one message, an empty list and what is no JSON stay as they are', () => {
  for (const line of ['{"id":1,"method":"ping"}', '[]', '[{"id":1', 'words', '']) {
    expect(messagesOf(line)).toEqual([line])
  }
})

test('what is no message in a list stays one, and a list within it is not taken apart', () => {
  expect(messagesOf('[7, [{"id":1,"method":"ping"}]]')).toEqual(['null', 'null'])
  expect(messagesOf(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)).toEqual(['null'])
})
