import { expect, it } from 'vitest'
import { hasAnswered, verdictOf } from './breaker-verdict.ts'

const errors = [
  'concurrency-limited',
  'rate-limited',
  'overloaded',
  'quota-exhausted',
  'account-blocked',
  'credential-rejected',
  'permission-denied',
  'model-unknown',
  'context-too-long',
  'content-filtered',
  'bad-request',
  'empty-output',
] as const
const faults = ['provider-error', 'malformed-output'] as const
const silences = ['unreachable', 'timeout', 'truncated'] as const
const ours = ['refused', 'deadline', 'cancelled', 'client-gone', 'draining', 'internal'] as const

it('holds against an endpoint what breaks there, more so where the line does, and nothing that it says or we do', () => {
  const verdicts = (codes: readonly Parameters<typeof verdictOf>[0][]) => new Set(codes.map(verdictOf))
  expect(verdicts(faults)).toEqual(new Set(['fault']))
  expect(verdicts(silences)).toEqual(new Set(['transport-fault']))
  expect(verdicts([...errors, ...ours])).toEqual(new Set(['ignored']))
})

it('takes an answer and every error that a vendor names for an answer, and nothing else', () => {
  const answers = ['done', ...errors, ...faults] as const
  expect(answers.filter((code) => !hasAnswered(code))).toEqual([])
  expect(['hedge-lost' as const, ...silences, ...ours].filter(hasAnswered)).toEqual([])
})
