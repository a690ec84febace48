import { describe, expect, it } from 'vitest'
import type { FailureCode } from '../domain/failure.ts'
import { costsRetryBudget, countsAsAttempt, mayBeOutage } from './failure-class.ts'

const codes = (of: (code: FailureCode) => boolean): readonly FailureCode[] =>
  (
    [
      'concurrency-limited',
      'rate-limited',
      'timeout',
      'credential-rejected',
      'model-unknown',
      'context-too-long',
      'empty-output',
      'quota-exhausted',
    ] as const
  ).filter(of)

describe('failure classes', () => {
  it('count every attempt but one that was only sent back and one with a dead key', () => {
    expect(codes((code) => !countsAsAttempt(code))).toEqual(['concurrency-limited', 'credential-rejected'])
  })

  it('pay from the retry budget what an outage could multiply', () => {
    expect(codes(costsRetryBudget)).toEqual(['rate-limited', 'timeout', 'empty-output'])
  })

  it('take no cap that was too low for an outage', () => {
    expect(codes(mayBeOutage)).toEqual(['rate-limited', 'timeout'])
  })
})
