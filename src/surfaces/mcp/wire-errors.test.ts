import { expect, test } from 'vitest'
import { CallFailure } from '../../domain/failure.ts'
import type { Refusal } from '../../domain/refusal.ts'
import { failureResult, refusalResult } from './wire-errors.ts'

const refusal: Refusal = {
  kind: 'refusal',
  reason: 'too-many-in-flight',
  scope: 'client',
  dimension: 'calls in flight',
  limit: 4,
  used: 4,
  retryAfterMs: 2_500,
  message: 'This window has its 4 calls under way.',
}

test('a refusal is a result a model can read, with the numbers beside it', () => {
  expect(refusalResult(refusal)).toEqual({
    isError: true,
    content: [{ type: 'text', text: 'This window has its 4 calls under way. Try again in 3 s.' }],
    meta: {
      'exai/refusal': {
        reason: 'too-many-in-flight',
        scope: 'client',
        dimension: 'calls in flight',
        limit: 4,
        used: 4,
        retryAfterMs: 2_500,
        advice: 'wait',
      },
    },
  })
})

test('a delay the message names already is not said twice', () => {
  const text = 'Try again in about 3 s.'
  expect(refusalResult({ ...refusal, message: text }).content).toEqual([{ type: 'text', text }])
})

test('a refusal inside a call shows as that refusal', () => {
  const failure = new CallFailure('refused', { message: 'refused', refusal })
  expect(failureResult(failure)).toEqual(refusalResult(refusal))
})

test('the private detail of a failure stays private', () => {
  const failure = new CallFailure('provider-error', { message: 'GLM broke.', detail: 'private-detail' })
  expect(JSON.stringify(failureResult(failure))).not.toContain('private-detail')
})

test('a delay that only the vendor is quoted with is no delay of ours: the model is told the one that holds', () => {
  const message =
    'The provider kimi is asked too often. It said: "try again after 1 seconds". Wait a little, then try again.'
  const failure = new CallFailure('rate-limited', { message, retryable: true, retryAfterMs: 20_000 })
  expect(failureResult(failure).content).toEqual([{ type: 'text', text: `${message} Try again in 20 s.` }])
})
