import { describe, expect, it } from 'vitest'
import { CallFailure, type FailureCode } from '../domain/failure.ts'
import { beginHistory, type Direction, type JobHistory, liesAhead, nextStep } from './next-step.ts'
import { type Target, targetKey } from './target.ts'
import { targetOf } from './target-of.ts'

const target = (changes: Partial<Target> = {}): Target =>
  targetOf({ group: 'glm/main/glm-5.2', keyCount: 2, contextTokens: 128_000, ...changes })
const limits = { attemptsMax: 4, requeuesMax: 2 }
const facts = { isCommitted: false, wasQuick: true, hasOther: true }

function step(
  code: FailureCode,
  over: Partial<JobHistory> = {},
  now: Partial<typeof facts> = {},
  retryable = true,
) {
  const failure = new CallFailure(code, { message: 'It failed.', retryable })
  return nextStep(failure, target(), { ...beginHistory(), attempts: 1, ...over }, limits, {
    ...facts,
    ...now,
  })
}
const goOn = (direction: Direction): object => ({ kind: 'go-on', direction })

describe('next step', () => {
  it('stops where nothing helps, and where the surface cannot take back what it sent', () => {
    for (const code of ['bad-request', 'content-filtered', 'cancelled', 'deadline', 'internal'] as const) {
      expect(step(code)).toEqual({ kind: 'stop' })
    }
    expect(step('provider-error', {}, { isCommitted: true })).toEqual({ kind: 'stop' })
    expect(step('concurrency-limited', {}, { isCommitted: true })).toEqual({ kind: 'stop' })
  })

  it('takes a search that a vendor did not accept to another vendor, and nothing else', () => {
    const refused = new CallFailure('bad-request', { message: 'It did not accept it.', isVendors: true })
    const ours = new CallFailure('bad-request', { message: 'The arguments are wrong.' })
    const of = (failure: CallFailure, at: Target): object =>
      nextStep(failure, at, beginHistory(), limits, facts)
    const search = target({ model: null, kind: 'search' })
    expect(of(refused, search)).toEqual(goOn('any'))
    expect(of(ours, search)).toEqual({ kind: 'stop' })
    expect(of(refused, target({ kind: 'generate' }))).toEqual({ kind: 'stop' })
  })

  it('puts a job back that the vendor had no room for, twice, and then tries another group', () => {
    expect(step('concurrency-limited', { requeues: 1 })).toEqual({ kind: 'requeue' })
    expect(step('concurrency-limited', { requeues: 2 })).toEqual(goOn('other-group'))
    // It was never asked: that is no attempt.
    expect(step('concurrency-limited', { attempts: 4 })).toEqual({ kind: 'requeue' })
  })

  it('makes no more than its attempts', () => {
    expect(step('provider-error', { attempts: 3 })).toEqual({ kind: 'again' })
    expect(step('provider-error', { attempts: 4 })).toEqual({ kind: 'stop' })
    expect(step('credential-rejected', { attempts: 5 })).toEqual({ kind: 'stop' })
  })

  it('tries the same provider once more when it failed quickly or is the last, and only when that may help', () => {
    expect(step('timeout', {}, { wasQuick: false })).toEqual(goOn('any'))
    expect(step('timeout', {}, { wasQuick: false, hasOther: false })).toEqual({ kind: 'again' })
    expect(step('timeout', {}, { hasOther: false })).toEqual({ kind: 'again' })
    expect(step('timeout', { retriedProviders: new Set(['glm']) })).toEqual(goOn('any'))
    expect(step('timeout', { retriedProviders: new Set(['kimi']) })).toEqual({ kind: 'again' })
    expect(step('provider-error', {}, {}, false)).toEqual(goOn('any'))
  })

  it('doubles a cap once, and then asks another model', () => {
    expect(step('empty-output')).toEqual({ kind: 'double-cap' })
    expect(step('empty-output', { hasDoubledCap: true })).toEqual(goOn('other-model'))
    expect(step('empty-output', { hasDoubledCap: true, attempts: 4 })).toEqual({ kind: 'stop' })
  })

  it('goes where the failure leaves a road', () => {
    expect(step('credential-rejected')).toEqual({ kind: 'other-key' })
    expect(step('rate-limited')).toEqual(goOn('other-group'))
    expect(step('quota-exhausted')).toEqual(goOn('other-account'))
    expect(step('model-unknown')).toEqual(goOn('any'))
    expect(step('context-too-long')).toEqual(goOn('larger-window'))
  })
})

describe('lies ahead', () => {
  const failed = target()
  const ahead = (candidate: Target, direction: Direction): boolean =>
    liesAhead(candidate, failed, direction, beginHistory())

  it('nothing that was tried', () => {
    const history = beginHistory()
    history.visited.add(targetKey(failed))
    expect(liesAhead(failed, failed, 'any', history)).toBe(false)
    expect(liesAhead(target({ model: 'glm-4.6' }), failed, 'any', history)).toBe(true)
  })

  it('by group, by account, by model', () => {
    expect(ahead(failed, 'any')).toBe(true)
    expect(ahead(failed, 'other-group')).toBe(false)
    expect(ahead(target({ group: 'glm/second' }), 'other-group')).toBe(true)
    expect(ahead(target({ group: 'glm/second' }), 'other-account')).toBe(false)
    expect(ahead(target({ accountName: 'glm/second' }), 'other-account')).toBe(true)
    expect(ahead(target({ group: 'glm/second' }), 'other-model')).toBe(false)
    expect(ahead(target({ model: 'glm-4.6' }), 'other-model')).toBe(true)
    expect(ahead(target({ provider: 'kimi' }), 'other-model')).toBe(true)
  })

  it('a larger window must be known, and larger', () => {
    const windowOf = (contextTokens: number | null): Target => target({ contextTokens })
    expect(ahead(windowOf(128_000), 'larger-window')).toBe(false)
    expect(ahead(windowOf(128_001), 'larger-window')).toBe(true)
    expect(ahead(windowOf(64_000), 'larger-window')).toBe(false)
    expect(ahead(windowOf(null), 'larger-window')).toBe(false)
    expect(liesAhead(windowOf(1000), windowOf(null), 'larger-window', beginHistory())).toBe(true)
  })
})
