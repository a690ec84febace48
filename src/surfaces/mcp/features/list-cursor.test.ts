import { expect, test } from 'vitest'
import { createSeededRandom } from '../../../lib/random.ts'
import { compareKeys, type ListKey, readCursor, writeCursor } from './list-cursor.ts'

const key: ListKey = { family: 2, order: 17, uri: 'exai://threads/ä' }

test('a cursor gives its key back, to its own list alone', () => {
  const cursor = writeCursor('resources', key)
  expect(readCursor('resources', cursor)).toEqual(key)
  expect(readCursor('prompts', cursor)).toBeUndefined()
})

test('families stand in their order, the newest of each first, and no two stand in one place', () => {
  const keys: ListKey[] = [
    { family: 0, order: 1, uri: 'b' },
    { family: 0, order: 1, uri: 'c' },
    { family: 1, order: 9, uri: 'a' },
    { family: 1, order: 8, uri: 'a' },
  ]
  expect([...keys].reverse().sort(compareKeys)).toEqual(keys)
  expect(compareKeys(key, { ...key })).toBe(0)
})

test('whatever is sent instead is a key or nothing, and never throws', () => {
  const random = createSeededRandom(7)
  const cursor = writeCursor('resources', key)
  for (let n = 0; n < 5_000; n++) {
    const bytes = [...cursor]
    const at = Math.floor(random() * bytes.length)
    bytes[at] = String.fromCharCode(33 + Math.floor(random() * 90))
    const read = readCursor('resources', bytes.join('').slice(0, Math.floor(random() * 60) + 1))
    if (read !== undefined) expect(typeof read.uri).toBe('string')
  }
  for (const wrong of [undefined, null, 7, {}, 'x'.repeat(3_000)]) {
    expect(readCursor('resources', wrong)).toBeUndefined()
  }
})
