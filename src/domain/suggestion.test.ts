import { expect, test } from 'vitest'
import { fitting } from './suggestion.ts'

const suggestions = [
  { value: 'thread-1', label: 'Which glm answers best?' },
  { value: 'kimi-k3' },
  { value: 'glm-5.2' },
  { value: 'old-glm-4' },
]

test('what begins so comes first, then words of a label, then what holds it', () => {
  expect(fitting('GLM', suggestions)).toEqual(['glm-5.2', 'thread-1', 'old-glm-4'])
  expect(fitting('', suggestions)).toHaveLength(4)
  expect(fitting('nothing', suggestions)).toEqual([])
})
