import { expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { AttemptEnd } from './attempt-end.ts'
import { CandidateChoice, type Trail } from './candidate-choice.ts'
import type { JobPlan, JobSite } from './job-plan.ts'
import { beginHistory } from './next-step.ts'
import type { Target } from './target.ts'
import { TargetHealth } from './target-health.ts'

const target: Target = {
  provider: 'glm',
  model: 'glm-5.2',
  accountName: 'glm/main',
  group: 'glm/main',
  endpoint: 'https://glm.example',
  keyCount: 1,
  contextTokens: null,
  weight: 1,
}
const coolsMs = 30_000

function cooling(clock: VirtualClock): TargetHealth {
  const health = new TargetHealth({ clock, random: () => 0 })
  const failure = new CallFailure('rate-limited', { message: 'Later.', retryAfterMs: coolsMs })
  const end: AttemptEnd = {
    attemptId: 'a1',
    number: 1,
    target,
    keyName: 'glm/main#0',
    outcome: 'rate-limited',
    isHedge: false,
    endedAtMs: 0,
    durationMs: 1,
    hasBegun: false,
    firstPartMs: null,
    usage: null,
    outputChars: 0,
    outputTokensMax: null,
  }
  health.enter(target, new Set())?.settle(end, false, failure)
  return health
}

it('lets a job wait beside eight keys that fill all places, and sends away the newest of whoever has most', async () => {
  const clock = new VirtualClock()
  const choice = new CandidateChoice({ clock, random: () => 0, health: cooling(clock) })
  const next = (principal: string): Promise<Target | CallFailure> => {
    const plan: JobPlan<Target> = {
      steps: [[target]],
      deadlineAt: () => 240_000,
      signal: new AbortController().signal,
      outputTokensMax: null,
      principal,
      affinity: null,
      isHedgeable: false,
    }
    const site: JobSite<Target, string> = {
      acquire: () => Promise.reject(new Error('nothing is acquired here')),
      run: async () => '',
      load: () => ({ inFlight: 0, capacity: 1 }),
      isCommitted: () => false,
      emit: () => {},
    }
    const trail: Trail<Target> = { history: beginHistory(), setbacks: [], from: null }
    return choice.next(plan, site, trail).catch((error: unknown) => error as CallFailure)
  }
  const flood = Array.from({ length: 256 }, (_, index) => next(`key-${index % 8}`))
  const one = next('ada')
  expect(choice.waiting).toBe(256)
  expect(await next('key-0')).toMatchObject({ code: 'rate-limited', retryAfterMs: coolsMs })
  await clock.advance(coolsMs)
  expect(await one).toBe(target)
  const outcomes = await Promise.all(flood)
  expect(outcomes.filter((outcome) => outcome instanceof CallFailure)).toMatchObject([
    { code: 'rate-limited', retryAfterMs: coolsMs },
  ])
  expect(choice.waiting).toBe(0)
  expect(clock.pendingTimers).toBe(0)
})
