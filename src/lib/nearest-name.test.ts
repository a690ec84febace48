import { expect, test } from 'vitest'
import { nearestName } from './nearest-name.ts'

test('a transposed, missing or wrong letter finds the known name, whatever its case', () => {
  expect(nearestName('cuont', ['text', 'count'])).toBe('count')
  expect(nearestName('eho', ['slow', 'echo'])).toBe('echo')
  expect(nearestName('Text', ['text', 'test'])).toBe('text')
})

test('what is far from everything finds nothing', () => {
  expect(nearestName('temperature', ['text', 'count'])).toBeNull()
  expect(nearestName('', ['a'])).toBeNull()
  expect(nearestName('x'.repeat(100_000), ['text'])).toBeNull()
})
