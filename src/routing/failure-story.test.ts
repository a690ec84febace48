import { expect, it } from 'vitest'
import { CallFailure, type FailureCode } from '../domain/failure.ts'
import type { Refusal } from '../domain/refusal.ts'
import { type Setback, toldOf, withStory } from './failure-story.ts'
import { targetOf } from './target-of.ts'

function setback(model: string, code: FailureCode): Setback {
  const target = targetOf({ model, group: `glm/main ${model}` })
  const failure = new CallFailure(code, {
    message: `It was ${code}.`,
    retryable: true,
    detail: `why ${code}`,
  })
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

it('tells it in the words of a refusal too, since a surface shows those', () => {
  const refusal: Refusal = {
    kind: 'refusal',
    reason: 'would-miss-deadline',
    scope: 'provider',
    dimension: 'seconds of waiting for kimi/main',
    limit: 120,
    used: 120,
    retryAfterMs: 5_000,
    message: 'No place became free.',
  }
  const failure = new CallFailure('refused', { message: refusal.message, refusal, retryable: true })
  const last: Setback = { target: targetOf({}), failure, tookMs: 0 }
  const message = 'No place became free. Tried before it: glm/main glm-5.2 (provider-error).'
  expect(withStory([setback('glm-5.2', 'provider-error'), last], null)).toMatchObject({
    message,
    refusal: { ...refusal, message },
    detail: 'why provider-error',
  })
  expect(withStory([last], null)?.refusal).toBe(refusal)
})

it('says when to come back: as it is told, else as the last vendor asked, else not at all', () => {
  const only = setback('glm-5.2', 'overloaded')
  const told = withStory([only], 4_999.5)
  expect(told).toMatchObject({
    code: 'overloaded',
    message: 'It was overloaded.',
    detail: 'why overloaded',
    retryAfterMs: 5_000,
    refusal: null,
  })
  const asked = new CallFailure('rate-limited', { message: 'Later.', retryAfterMs: 7_000 })
  const last: Setback = { ...only, failure: asked }
  // What a vendor said before is not the detail of a later failure.
  expect(withStory([only, last], null)).toMatchObject({ retryAfterMs: 7_000, detail: null })
  expect(withStory([only, last], 3_000)?.retryAfterMs).toBe(3_000)
  expect(withStory([last, only], null)).toMatchObject({ retryAfterMs: null, detail: 'why overloaded' })
})

it('names what has no model by its account alone', () => {
  const search = { ...setback('glm-5.2', 'provider-error'), target: targetOf({ model: null }) }
  expect(toldOf([search])).toBe('glm/main (provider-error)')
})

it('leaves the only failure as it is', () => {
  const only = setback('glm-5.2', 'timeout')
  expect(withStory([only], null)).toBe(only.failure)
  expect(withStory([], null)).toBeNull()
})
