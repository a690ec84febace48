import { describe, expect, it } from 'vitest'
import { CallFailure, type FailureCode } from '../domain/failure.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { attemptEndOf } from './attempt-end-of.ts'
import type { SilenceLimits } from './silence-watch.ts'
import { type HealthEvent, TargetHealth } from './target-health.ts'
import { targetOf } from './target-of.ts'

const target = targetOf()
const other = targetOf({ model: 'glm-4.6' })
const none = new Set<number>()

function open(limits: SilenceLimits = {}) {
  const clock = new VirtualClock()
  const events: HealthEvent[] = []
  const health = new TargetHealth({ ...limits, clock, random: () => 0, emit: (event) => events.push(event) })
  /** One attempt that ends with `outcome`; the vendor may have named a time. */
  const attempt = (outcome: 'done' | FailureCode, retryAfterMs?: number, isOurLimit = false): void => {
    const end = attemptEndOf(outcome, { hasBegun: outcome === 'done' })
    const failure =
      outcome === 'done'
        ? null
        : new CallFailure(outcome, {
            message: 'It failed.',
            ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
          })
    health.enter(target, none)?.settle(end, isOurLimit, failure)
  }
  return { clock, events, health, attempt }
}

describe('target health', () => {
  it('tells people once a minute that a model is refused, for the chain goes on without a word', async () => {
    const { clock, events, attempt } = open()
    attempt('permission-denied')
    attempt('permission-denied')
    expect(events).toEqual([{ type: 'model-refused', target, code: 'permission-denied' }])
    await clock.advance(60_000)
    attempt('model-unknown')
    expect(events).toMatchObject([{}, { type: 'model-refused', code: 'model-unknown' }])
    attempt('provider-error')
    expect(events).toHaveLength(2)
  })

  it('tries again what waits for a person when one has acted, and lets cooldowns pass by themselves', () => {
    const { health, attempt } = open()
    attempt('rate-limited', 7000)
    const enter = (model: string, outcome: FailureCode): void =>
      health
        .enter(targetOf({ model }), none)
        ?.settle(
          attemptEndOf(outcome, { hasBegun: false }),
          false,
          new CallFailure(outcome, { message: 'No.' }),
        )
    enter('glm-5.3', 'permission-denied')
    enter('glm-4.6', 'account-blocked')
    expect(health.revive('kimi/main')).toEqual({ revived: [], dead: ['glm/main#0'] })
    expect(health.revive('glm/main')).toEqual({ revived: ['glm/main#0', 'glm/main glm-5.3'], dead: [] })
    expect(health.obstacle(targetOf({ model: 'glm-5.3' }))).toBeNull()
    expect(health.obstacle(other)).toBeNull()
    expect(health.obstacle(target)).toMatchObject({ code: 'rate-limited' })
  })

  it('forbids nothing at first, and what works stays so', () => {
    const { health, attempt } = open()
    expect(health.obstacle(target)).toBeNull()
    attempt('done')
    expect(health.obstacle(target)).toBeNull()
    expect(health.inspect()).toEqual({ breakers: {}, ramps: {}, cooldowns: {}, deadKeys: [], failing: [] })
  })

  it('lets a target cool that was told to wait, and no other model of the account', async () => {
    const { clock, events, health, attempt } = open()
    attempt('rate-limited', 7000)
    expect(health.obstacle(target)).toEqual({
      code: 'rate-limited',
      says: 'glm-5.2 asked us to wait',
      waitMs: 7000,
      failure: null,
    })
    expect(health.enter(target, none)).toBeNull()
    expect(health.obstacle(other)).toBeNull()
    expect(events).toEqual([{ type: 'cooldown-began', target, untilMs: 7000 }])
    await clock.advance(7000)
    expect(health.obstacle(target)).toBeNull()
  })

  it('cools without a word of the vendor where it was too fast, and elsewhere only with one', () => {
    for (const [code, retryAfterMs, waitMs] of [
      ['rate-limited', undefined, 1000],
      ['overloaded', undefined, null],
      ['overloaded', 3000, 3000],
      ['quota-exhausted', 90_000, 90_000],
      ['provider-error', 2000, 2000],
      ['concurrency-limited', 2000, null],
      ['timeout', 2000, null],
    ] as const) {
      const { health, attempt } = open()
      attempt(code, retryAfterMs)
      expect([code, health.obstacle(target)?.waitMs ?? null]).toEqual([code, waitMs])
    }
  })

  it('cools a target that is overloaded again before it has answered, longer each time, and not for a hiccup', async () => {
    const { clock, health, attempt } = open()
    attempt('overloaded')
    attempt('done')
    attempt('overloaded')
    expect(health.obstacle(target)).toBeNull()
    for (const waitMs of [1000, 2000, 4000]) {
      attempt('overloaded')
      expect(health.obstacle(target)?.waitMs).toBe(waitMs)
      expect(health.obstacle(other)).toBeNull()
      await clock.advance(waitMs)
    }
    attempt('done')
    attempt('overloaded')
    expect(health.obstacle(target)).toBeNull()
  })

  it('knows what may have an outage, from what failed there and was not heard since: no limit and no refusal of ours', () => {
    const { health, attempt } = open()
    attempt('timeout', undefined, true)
    for (const code of ['bad-request', 'empty-output', 'refused', 'deadline'] as const) attempt(code)
    expect(health.inspect().failing).toEqual([])
    attempt('unreachable')
    attempt('bad-request')
    expect(health.inspect().failing).toEqual(['glm'])
    health.enter(target, none)?.heard()
    expect(health.inspect().failing).toEqual([])
    attempt('overloaded')
    expect(health.inspect().failing).toEqual(['glm'])
    attempt('done')
    expect(health.inspect().failing).toEqual([])
  })

  it('holds what was too much for one account against that account alone', () => {
    const { health, attempt } = open()
    attempt('rate-limited')
    expect(health.inspect().failing).toEqual(['glm/main'])
    expect(health.visits.hasFailed(target)).toBe(true)
    expect(health.visits.hasFailed(targetOf({ accountName: 'glm/spare', group: 'glm/spare' }))).toBe(false)
  })

  it('takes an answer that is an error for a word, and a connection that is cut for none', async () => {
    const isHanging = async (outcome: FailureCode): Promise<boolean> => {
      const { clock, health } = open({ longestCallMs: 500 })
      const [first, second] = [health.enter(target, none), health.enter(target, none)]
      await clock.advance(300)
      first?.settle(attemptEndOf(outcome), false, null)
      health.visits.heard(target)
      second?.settle(attemptEndOf('timeout'), true, null)
      return health.inspect().failing.length > 0
    }
    for (const code of ['content-filtered', 'bad-request', 'context-too-long', 'provider-error'] as const)
      expect([code, await isHanging(code)]).toEqual([code, false])
    for (const code of ['unreachable', 'truncated', 'cancelled', 'deadline', 'refused'] as const)
      expect([code, await isHanging(code)]).toEqual([code, true])
  })

  it('holds no end of a call against a vendor, be it silent to all, and there the cuts by shares', async () => {
    const { clock, health } = open({ longestCallMs: 500 })
    const cut = async (outcome: 'deadline' | 'timeout'): Promise<void> => {
      const permit = health.enter(target, none)
      await clock.advance(100)
      permit?.settle(attemptEndOf(outcome), true, null)
    }
    for (let i = 0; i < 10; i++) await cut('deadline')
    expect(health.inspect()).toMatchObject({ breakers: {}, failing: [] })
    for (let i = 0; i < 5; i++) await cut('timeout')
    expect(health.inspect()).toMatchObject({ failing: ['glm'] })
    expect(health.obstacle(target)?.code).toBe('provider-error')
  })

  it('leaves a vendor in peace that failed too often, but not for what was our own limit', async () => {
    const ours = open()
    for (let i = 0; i < 10; i++) ours.attempt('timeout', undefined, true)
    expect(ours.health.obstacle(target)).toBeNull()

    const { clock, events, health, attempt } = open()
    for (let i = 0; i < 5; i++) attempt('timeout')
    expect(health.obstacle(target)).toMatchObject({
      code: 'provider-error',
      says: 'glm-5.2 failed too often and is left in peace',
      waitMs: 4000,
    })
    expect(Object.values(health.inspect().breakers)).toEqual(['open'])
    expect(events).toEqual([{ type: 'breaker-changed', target, from: 'closed', to: 'open', openMs: 4000 }])
    await clock.advance(4000)
    const probe = health.enter(target, none)
    expect(health.obstacle(target)?.waitMs).toBeNull()
    probe?.giveBack()
    expect(health.obstacle(target)).toBeNull()
  })

  it('lets an endpoint that recovered have its work back by steps, through whichever account', async () => {
    const { clock, health, attempt } = open()
    const spare = targetOf({ accountName: 'glm/spare', group: 'glm/spare', weight: 0 })
    for (let i = 0; i < 5; i++) attempt('timeout')
    await clock.advance(4000)
    for (let i = 0; i < 2; i++) attempt('done')
    expect(health.rampShare(target)).toBe(1)
    attempt('done')
    const conversations = Array.from({ length: 1_000 }, (_, index) => `conversation ${index}`)
    let back: readonly string[] = []
    for (const share of [0.1, 0.25, 0.5, 1]) {
      expect([target, spare, other].map((each) => health.rampShare(each))).toEqual([share, share, 1])
      const now = conversations.filter((each) => health.letsIn(target, each))
      expect(conversations.filter((each) => health.letsIn(spare, each))).toEqual(now)
      // Who has come back stays. Four deviations of 1,000 draws are at most 0.064.
      expect(now).toEqual(expect.arrayContaining([...back]))
      expect(Math.abs(now.length / conversations.length - share)).toBeLessThan(0.064)
      back = now
      await clock.advance(15_000)
    }
  })

  it('throws the dice for a job of no conversation', async () => {
    const clock = new VirtualClock()
    let fall = 0
    const health = new TargetHealth({ clock, random: () => fall })
    const attempt = (outcome: 'done' | 'timeout'): void =>
      health.enter(target, none)?.settle(attemptEndOf(outcome), false, null)
    for (let i = 0; i < 5; i++) attempt('timeout')
    await clock.advance(4000)
    for (let i = 0; i < 3; i++) attempt('done')
    for (fall of [0.09, 0.11]) expect(health.letsIn(target, null)).toBe(fall < 0.1)
    expect(health.letsIn(other, null)).toBe(true)
  })

  it('lets an account in at once that was told to wait, or whose key works again', async () => {
    const { clock, health, attempt } = open()
    attempt('rate-limited', 7000)
    await clock.advance(7000)
    expect(health.rampShare(target)).toBe(1)
    attempt('credential-rejected')
    health.revive()
    expect(health.obstacle(target)).toBeNull()
    expect(health.rampShare(target)).toBe(1)
  })

  it('asks no dead key, and tells when one dies and comes back', async () => {
    const { clock, events, health, attempt } = open()
    attempt('credential-rejected')
    expect(health.obstacle(target)).toEqual({
      code: 'credential-rejected',
      says: 'no key or plan of glm/main works any more',
      waitMs: 3_600_000,
      failure: null,
    })
    expect(health.inspect().deadKeys).toEqual(['glm/main#0'])
    await clock.advance(3_600_000)
    attempt('done')
    expect(events).toEqual([
      { type: 'key-died', keyName: 'glm/main#0' },
      { type: 'key-revived', keyName: 'glm/main#0' },
    ])
  })

  it('remembers a model that is not known there, for that model alone', () => {
    const { health, attempt } = open()
    attempt('model-unknown')
    expect(health.obstacle(target)).toMatchObject({
      code: 'model-unknown',
      says: 'glm-5.2 is not known there',
      waitMs: null,
      failure: expect.any(CallFailure),
    })
    expect(health.enter(target, none)).toBeNull()
    expect(health.obstacle(other)).toBeNull()
  })

  it('asks an account that does not get a model for it less and less, until it answers', async () => {
    const { clock, health, attempt } = open()
    attempt('permission-denied')
    expect(health.obstacle(target)).toMatchObject({
      code: 'permission-denied',
      says: 'glm-5.2 is not open to glm/main',
      waitMs: null,
      failure: { message: 'It failed. It is asked again in 60 seconds.' },
    })
    expect(health.enter(target, none)).toBeNull()
    expect(health.obstacle(other)).toBeNull()
    expect(health.obstacle({ ...target, accountName: 'glm/other' })).toBeNull()
    await clock.advance(60_000)
    expect(health.obstacle(target)).toBeNull()
    attempt('permission-denied')
    await clock.advance(60_000)
    expect(health.obstacle(target)?.code).toBe('permission-denied')
    await clock.advance(60_000)
    attempt('done')
    attempt('permission-denied')
    await clock.advance(60_000)
    expect(health.obstacle(target)).toBeNull()
  })

  it('climbs its ladder of pauses from the foot again once the target has answered', async () => {
    const { clock, health, attempt } = open()
    for (const waitMs of [1000, 2000]) {
      attempt('rate-limited')
      expect(health.obstacle(target)?.waitMs).toBe(waitMs)
      await clock.advance(waitMs)
    }
    attempt('done')
    attempt('rate-limited')
    expect(health.obstacle(target)?.waitMs).toBe(1000)
  })

  it('fears a slow first part and answers of 429, and no other failure', () => {
    const fear = (outcome: 'done' | FailureCode, firstPartMs: number | null) => {
      const { health } = open()
      const end = attemptEndOf(outcome, { firstPartMs })
      health.enter(target, none)?.settle(end, false, null)
      const vitals = health.balance.vitalsOf(target)
      return [vitals.firstPartMs, vitals.limitedFactor]
    }
    expect(fear('done', null)).toEqual([null, 1])
    expect(fear('done', 4000)).toEqual([4000, 1])
    expect(fear('truncated', 4000)).toEqual([4000, 1])
    expect(fear('rate-limited', null)).toEqual([null, expect.closeTo(1.4, 6)])
    expect(fear('concurrency-limited', null)).toEqual(fear('rate-limited', null))
    expect(fear('overloaded', null)).toEqual([null, 1])
  })

  it('forgets the 429s of a target with its answers, and not with its other failures', () => {
    const fearAfter = (outcome: 'done' | FailureCode): number => {
      const { health, attempt } = open()
      attempt('concurrency-limited')
      attempt(outcome)
      return health.balance.vitalsOf(target).limitedFactor
    }
    expect(fearAfter('done')).toBeLessThan(fearAfter('unreachable'))
    expect(fearAfter('concurrency-limited')).toBeGreaterThan(fearAfter('unreachable'))
  })

  it('tells once of a model that several attempts on their way were refused', () => {
    const { events, health } = open()
    const refusal = new CallFailure('permission-denied', { message: 'No.' })
    const permits = [health.enter(target, none), health.enter(target, none)]
    for (const permit of permits) {
      permit?.settle(attemptEndOf('permission-denied', { hasBegun: false }), false, refusal)
    }
    expect(events).toEqual([{ type: 'model-refused', target, code: 'permission-denied' }])
  })

  it('lets nobody in by steps whose probe failed', async () => {
    const { clock, health, attempt } = open()
    for (let i = 0; i < 5; i++) attempt('timeout')
    await clock.advance(4000)
    attempt('timeout')
    expect(Object.values(health.inspect().breakers)).toEqual(['open'])
    expect(health.rampShare(target)).toBe(1)
  })

  it('holds neither our own limits nor lost races against a vendor, however many', () => {
    const { health, attempt } = open()
    for (let i = 0; i < 40; i++) attempt('provider-error', undefined, true)
    for (let i = 0; i < 40; i++) {
      health.enter(target, none)?.settle(attemptEndOf('hedge-lost'), false, null)
    }
    expect(health.obstacle(target)).toBeNull()
    expect(health.inspect().failing).toEqual([])
  })

  it('counts our own limit once the vendor was silent to all for its own limit, and not where anybody heard a part', async () => {
    const { clock, health } = open({ firstTokenMs: (provider) => (provider === 'glm' ? 300 : undefined) })
    /** An attempt that we cut after 100 ms; tells whether its vendor is held to fail. */
    const cut = async (hears = false): Promise<boolean> => {
      const permit = health.enter(target, none)
      await clock.advance(50)
      if (hears) permit?.heard()
      await clock.advance(50)
      permit?.settle(attemptEndOf('timeout'), true, null)
      return health.inspect().failing.length > 0
    }
    expect([await cut(), await cut(), await cut(true), await cut()]).toEqual([false, false, false, false])
    expect(await cut()).toBe(false)
    // An answer is heard even where it came as a whole; an attempt that is not made is over as well.
    health.enter(target, none)?.settle(attemptEndOf('done'), false, null)
    health.enter(target, none)?.giveBack()
    await clock.advance(3_600_000)
    expect([await cut(), await cut(), await cut()]).toEqual([false, false, true])
    for (let i = 0; i < 3; i++) await cut()
    expect(health.obstacle(target)).toBeNull()
    await cut()
    expect(health.obstacle(target)?.code).toBe('provider-error')
  })

  it('holds against a probe only the silence since its breaker let probes in', async () => {
    const { clock, health } = open({ longestCallMs: 500 })
    for (let i = 0; i < 5; i++) {
      const permit = health.enter(target, none)
      await clock.advance(300)
      permit?.settle(attemptEndOf('timeout'), true, null)
    }
    await clock.advance(4000)
    for (const state of ['half-open', 'half-open', 'open']) {
      const probe = health.enter(target, none)
      await clock.advance(100)
      probe?.settle(attemptEndOf('timeout'), true, null)
      expect(Object.values(health.inspect().breakers)).toEqual([state])
    }
  })

  it('gives the turn of a probe back where no key is left for it', async () => {
    const { clock, health, attempt } = open()
    for (let i = 0; i < 5; i++) attempt('timeout')
    await clock.advance(4000)
    expect(health.enter(target, new Set([0]))).toBeNull()
    expect(health.obstacle(target)).toBeNull()
    expect(health.enter(target, none)).not.toBeNull()
  })

  it('goes by an end alone where nobody has the failure to it', () => {
    const obstacleAfter = (outcome: FailureCode) => {
      const { health } = open()
      for (let i = 0; i < 2; i++) health.enter(target, none)?.settle(attemptEndOf(outcome), false, null)
      return health.obstacle(target)
    }
    expect(obstacleAfter('rate-limited')).toMatchObject({ code: 'rate-limited', waitMs: 1000 })
    expect(obstacleAfter('overloaded')).toMatchObject({ code: 'rate-limited', waitMs: 1000 })
    expect(obstacleAfter('quota-exhausted')).toMatchObject({ code: 'credential-rejected', waitMs: 3_600_000 })
    expect(obstacleAfter('provider-error')).toBeNull()
  })

  it('needs nobody who listens', async () => {
    const clock = new VirtualClock()
    const health = new TargetHealth({ clock, random: () => 0 })
    const attempt = (outcome: 'done' | FailureCode): void => {
      const failure = outcome === 'done' ? null : new CallFailure(outcome, { message: 'No.' })
      health.enter(target, none)?.settle(attemptEndOf(outcome), false, failure)
    }
    attempt('credential-rejected')
    await clock.advance(3_600_000)
    attempt('done')
    for (let i = 0; i < 5; i++) attempt('timeout')
    await clock.advance(10_000)
    attempt('rate-limited')
    await clock.advance(10_000)
    attempt('permission-denied')
    expect(health.obstacle(target)).toMatchObject({ code: 'permission-denied' })
  })
})
