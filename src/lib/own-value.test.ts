import { expect, it } from 'vitest'
import { ownValue } from './own-value.ts'

it('finds what was put there, and nothing under the names of what every object has', () => {
  const values = { 'glm-5.2': 1, toString: 2 }
  expect(['glm-5.2', 'toString'].map((name) => ownValue<unknown>(values, name))).toEqual([1, 2])
  const names = ['constructor', 'valueOf', '__proto__', 'hasOwnProperty', 'glm-4.7']
  expect(names.map((name) => ownValue<unknown>(values, name))).toEqual(names.map(() => undefined))
})
