import { expect, it } from 'vitest'
import { CallFailure, type FailureCode } from '../domain/failure.ts'
import { type Setback, withStory } from './failure-story.ts'
import { targetOf } from './target-of.ts'

function setback(model: string, code: FailureCode): Setback {
  const target = targetOf({ model, group: `glm/main ${model}` })
  const failure = new CallFailure(code, { message: `It was ${code}.`, retryable: true })
  return { target, failure, tookMs: 150_000 }
}

it('tells of a vendor that sent a job back again and again in one line', () => {
  const back = Array.from({ length: 20 }, () => setback('glm-5.2', 'concurrency-limited'))
  expect(
    withStory([...back, setback('glm-4.7', 'timeout'), setback('kimi-k3', 'truncated')], null),
  ).toMatchObject({
    code: 'truncated',
    message:
      'It was truncated. Tried before it: glm/main glm-5.2 (concurrency-limited, 20 times), glm/main glm-4.7 (timeout after 150 s).',
  })
})

it('leaves the only failure as it is', () => {
  const only = setback('glm-5.2', 'timeout')
  expect(withStory([only], null)).toBe(only.failure)
  expect(withStory([], null)).toBeNull()
})
