// Rows of attempts and of cached answers.

import { expect, it } from 'vitest'
import { identityOf } from '../domain/identity-of.ts'
import { attemptEndOf } from './attempt-end-of.ts'
import { toCachedEntry, toLedgerEntry } from './ledger-entry.ts'
import type { JobRequest } from './router.ts'
import { targetOf } from './target-of.ts'

const request: JobRequest = {
  identity: identityOf('ada', null, { team: 'web', label: 'api@main' }),
  callId: 'c-1',
  tool: 'chat',
  signal: new AbortController().signal,
  progress: () => {},
}
const end = attemptEndOf('timeout', {
  number: 2,
  target: targetOf({ group: 'glm/main glm-5.2' }),
  endedAtMs: 5,
  durationMs: 4,
  hasBegun: true,
  firstPartMs: 3,
  outputChars: 300,
  outputTokensMax: 100,
})

it('an attempt cut short is charged to its caller by an estimate that is marked', () => {
  expect(toLedgerEntry({ end, request, operation: 'generate', inputTokens: 20 })).toMatchObject({
    attemptId: 'a-1',
    callId: 'c-1',
    tool: 'chat',
    principal: 'ada',
    team: 'web',
    attempt: 2,
    outcome: 'timeout',
    usage: { inputTokens: 20, outputTokens: 100, source: 'estimated' },
  })
})

it('an attempt that the vendor never began is charged to nobody', () => {
  for (const outcome of ['provider-error', 'timeout', 'content-filtered', 'client-gone'] as const) {
    const refused = { ...end, outcome, hasBegun: false, firstPartMs: null, outputChars: 0 }
    expect(
      toLedgerEntry({ end: refused, request, operation: 'generate', inputTokens: 20 }).usage,
    ).toMatchObject({
      inputTokens: 0,
      outputTokens: 0,
      source: 'none',
    })
  }
})

it('a cached answer is a row of its own each time, with what it saved', () => {
  const outcome = {
    text: 'x',
    sources: [],
    usage: null,
    finish: 'stop',
    provider: 'glm',
    model: 'glm-5.2',
  } as const
  const row = () => toCachedEntry(request, outcome, 'generate', 7n, 1)
  const [one, two] = [row(), row()]
  expect(one).toMatchObject({ operation: 'generate', outcome: 'cached', savedNanoUsd: 7n, principal: 'ada' })
  expect(one.attemptId).not.toBe(two.attemptId)
})
