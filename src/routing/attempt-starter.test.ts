// The attempts of one job in virtual time: how long each may take, when a second one is begun beside it, and what is left of them.

import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { AttemptEnd } from './attempt-end.ts'
import { AttemptStarter } from './attempt-starter.ts'
import { CandidateChoice } from './candidate-choice.ts'
import { HedgeBudget } from './hedge.ts'
import type { JobPlan, JobSite } from './job-plan.ts'
import { beginHistory, type JobHistory } from './next-step.ts'
import { type Target, targetKey } from './target.ts'
import { TargetHealth } from './target-health.ts'
import { targetOf } from './target-of.ts'

const at = (provider: string): Target =>
  targetOf({ provider, accountName: `${provider}/main`, group: `${provider}/main` })
const glm = at('glm')
const kimi = at('kimi')
const afterMs = 2_000
const startedAt = 100_000

interface World {
  readonly targets?: readonly Target[]
  readonly limitMs?: number
  /** How long each vendor is silent before it answers; absent: for ever. */
  readonly answersMs?: Readonly<Record<string, number>>
  readonly isHedged?: boolean
  readonly isHedgeable?: boolean
  readonly attempts?: number
  readonly emit?: JobSite<Target, string>['emit']
}

/** One attempt of a job at the first of the targets, in the second minute of the server's life. */
async function begin({
  targets = [glm, kimi],
  limitMs = 30_000,
  answersMs = {},
  isHedged = true,
  isHedgeable = true,
  attempts = 1,
  emit,
}: World = {}) {
  const clock = new VirtualClock()
  await clock.advance(startedAt)
  const health = new TargetHealth({ clock, random: () => 0.5 })
  const choice = new CandidateChoice({ clock, random: () => 0.5, health })
  const hedges = new HedgeBudget(1)
  hedges.deposit()
  const ends: AttemptEnd[] = []
  const leaver = new AbortController()
  const plan: JobPlan<Target> = {
    steps: targets.map((target) => [target]),
    deadlineAt: () => startedAt + limitMs,
    signal: leaver.signal,
    outputTokensMax: null,
    principal: 'ada',
    affinity: null,
    isHedgeable,
  }
  let held = 0
  const site: JobSite<Target, string> = {
    acquire: async () => {
      held++
      return { release: () => void held--, refusedByVendor: () => expect.fail('nobody refuses') }
    },
    run: ({ provider }, { signal }) =>
      new Promise((resolve, reject) => {
        const ms = answersMs[provider] ?? Number.MAX_SAFE_INTEGER
        const timer = clock.after(ms, () => resolve(`an answer of ${provider}`))
        signal.addEventListener('abort', () => {
          timer.cancel()
          reject(signal.reason)
        })
      }),
    load: () => ({ inFlight: 0, capacity: 1 }),
    isCommitted: () => false,
    emit: (end) => {
      ends.push(end)
      return emit?.(end)
    },
  }
  const starter = new AttemptStarter(
    { clock, health, hedge: isHedged ? { afterMs, share: 1 } : null, attemptsMax: 4 },
    choice,
    hedges,
    plan,
    site,
  )
  const history: JobHistory = { ...beginHistory(), attempts }
  history.visited.add(targetKey(glm))
  const permit = health.enter(glm, new Set()) ?? expect.fail('glm is free')
  const tried = starter.attempt(glm, permit, history, null)
  const over = async () => {
    await clock.advance(limitMs)
    const told = await tried
    expect(clock.pendingTimers).toBe(0)
    const asked = ends.map(({ target, isHedge, outcome, durationMs }) =>
      [target.provider, ...(isHedge ? ['hedge'] : []), outcome, 'after', durationMs].join(' '),
    )
    return { told, asked }
  }
  return { clock, starter, hedges, ends, leaver, over, held: () => held }
}

describe('an attempt may take', () => {
  it('two thirds of the time that is left while somebody else can be asked', async () => {
    const { over } = await begin({ isHedged: false })
    expect((await over()).asked).toEqual(['glm timeout after 20000'])
  })

  it('all of it where nobody can, but for the moment in which that is told', async () => {
    for (const [limitMs, tookMs] of [
      [30_000, 29_750],
      [1_000, 950],
    ] as const) {
      const { over } = await begin({ targets: [glm], limitMs, isHedged: false })
      expect((await over()).asked).toEqual([`glm deadline after ${tookMs}`])
    }
  })
})

describe('a second attempt', () => {
  it('is begun beside a silent one, on a slot of its own, which goes back when it answers', async () => {
    const { over, held, clock } = await begin({ answersMs: { kimi: 3_000 } })
    await clock.advance(afterMs)
    expect(held()).toBe(1)
    const { told, asked } = await over()
    expect(asked).toEqual(['kimi hedge done after 3000', 'glm hedge-lost after 5000'])
    expect(told).toMatchObject({ result: { kind: 'done', value: 'an answer of kimi' }, target: kimi })
    expect([told.lease, told.beside]).toEqual([null, null])
    expect(held()).toBe(0)
  })

  it('has all the time that is left', async () => {
    const { over, held } = await begin()
    const { told, asked } = await over()
    expect(asked).toEqual(['glm timeout after 20000', 'kimi hedge deadline after 27750'])
    expect(told).toMatchObject({
      target: glm,
      result: { kind: 'failed', failure: { code: 'timeout' } },
      beside: { target: kimi, failure: { code: 'deadline' } },
    })
    expect(held()).toBe(0)
  })

  it('is one of the job’s four', async () => {
    expect((await (await begin({ attempts: 3 })).over()).asked).toHaveLength(2)
    expect((await (await begin({ attempts: 4 })).over()).asked).toEqual(['glm timeout after 20000'])
  })

  it('is begun for no job that it could harm, and by nobody who hedges nothing', async () => {
    for (const world of [{ isHedgeable: false }, { isHedged: false }]) {
      const { over, hedges } = await begin({ answersMs: { glm: 10_000 }, ...world })
      expect((await over()).asked).toEqual(['glm done after 10000'])
      expect(hedges.withdraw()).toBe(true)
    }
  })

  it('costs nothing where nobody else can be asked', async () => {
    const { over, hedges, held } = await begin({ targets: [glm], answersMs: { glm: 10_000 } })
    const { told, asked } = await over()
    expect(asked).toEqual(['glm done after 10000'])
    expect(told).toMatchObject({ result: { kind: 'done' }, lease: null, beside: null })
    expect(hedges.withdraw()).toBe(true)
    expect(held()).toBe(0)
  })

  it('ends with its job, and then neither of the two is a setback', async () => {
    const { clock, leaver, over, held } = await begin()
    await clock.advance(5_000)
    leaver.abort(new CallFailure('client-gone', { message: 'Gone.' }))
    const { told, asked } = await over()
    expect(asked).toEqual(['glm client-gone after 5000', 'kimi hedge client-gone after 3000'])
    expect(told).toMatchObject({ result: { kind: 'failed' }, beside: null })
    expect(held()).toBe(0)
  })
})

describe('what is told of attempts', () => {
  it('is waited for until it is safe', async () => {
    const row = Promise.withResolvers<void>()
    const { starter, over } = await begin({ answersMs: { glm: 1 }, emit: () => row.promise })
    await over()
    let isSafe = false
    const safe = starter.recorded().then(() => {
      isSafe = true
    })
    await over()
    expect(isSafe).toBe(false)
    row.resolve()
    await safe
  })

  it('fails the job where it cannot be kept, and nothing before anybody waits for it', async () => {
    const fault = new Error('the disk is full')
    const unheard: unknown[] = []
    const hear = (reason: unknown): void => void unheard.push(reason)
    process.on('unhandledRejection', hear)
    const { starter, over } = await begin({ answersMs: { glm: 1 }, emit: () => Promise.reject(fault) })
    await over()
    await setImmediate()
    process.off('unhandledRejection', hear)
    expect(unheard).toEqual([])
    await expect(starter.recorded()).rejects.toBe(fault)
  })

  it('is nothing before the first has ended', async () => {
    const { starter, over } = await begin({ answersMs: { glm: 1 } })
    await starter.recorded()
    await over()
    await starter.recorded()
  })
})
