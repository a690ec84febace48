import { describe, expect, it } from 'vitest'
import { CallFailure, type FailureCode } from '../domain/failure.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { attemptEndOf } from './attempt-end-of.ts'
import { assertInTime, CandidateChoice, type Trail } from './candidate-choice.ts'
import type { Setback } from './failure-story.ts'
import type { JobPlan, JobSite } from './job-plan.ts'
import { beginHistory } from './next-step.ts'
import { type Target, targetKey } from './target.ts'
import { type Obstacle, TargetHealth } from './target-health.ts'
import { targetOf } from './target-of.ts'

const glm = targetOf()
const kimi = targetOf({
  provider: 'kimi',
  model: 'kimi-k3',
  accountName: 'kimi/main',
  group: 'kimi/main',
  endpoint: 'https://kimi.example',
})
const coolsMs = 30_000

function open(dice = 0) {
  const clock = new VirtualClock()
  const health = new TargetHealth({ clock, random: () => 0 })
  const choice = new CandidateChoice({ clock, random: () => dice, health })
  const told: Obstacle[] = []
  /** One attempt that fails; the vendor may have named a time. */
  const fail = (target: Target, code: FailureCode, retryAfterMs?: number): Setback => {
    const failure = new CallFailure(code, {
      message: `It was ${code}.`,
      retryable: true,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    })
    health.enter(target, new Set())?.settle(attemptEndOf(code, { target, hasBegun: false }), false, failure)
    return { target, failure, tookMs: 0 }
  }
  /** Its breaker is half-open, and the one probe is out. */
  const probe = async (target: Target): Promise<{ readonly over: () => void }> => {
    for (let i = 0; i < 5; i++) fail(target, 'timeout')
    await clock.advance(4_000)
    const permit = health.enter(target, new Set())
    return { over: () => permit?.giveBack() }
  }
  const site: JobSite<Target, string> = {
    acquire: () => Promise.reject(new Error('nothing is acquired here')),
    run: async () => '',
    load: () => ({ inFlight: 0, capacity: 1 }),
    isCommitted: () => false,
    onWait: (obstacle) => told.push(obstacle),
    emit: () => {},
  }
  /** The choice of one job, and when it was made. */
  const next = (
    steps: readonly (readonly Target[])[],
    more: Partial<JobPlan<Target>> = {},
    trail: Trail<Target> = trailOf(),
  ) =>
    (async () => choice.next(planOf(steps, more), site, trail))().then(
      (target) => ({ target, at: clock.now() }),
      (error: unknown) => error as CallFailure,
    )
  return { clock, health, choice, told, fail, probe, site, next }
}

function planOf(steps: readonly (readonly Target[])[], more: Partial<JobPlan<Target>> = {}): JobPlan<Target> {
  return {
    steps,
    deadlineAt: () => 240_000,
    signal: new AbortController().signal,
    outputTokensMax: null,
    principal: 'ada',
    affinity: null,
    isHedgeable: false,
    ...more,
  }
}

function trailOf(
  visited: readonly Target[] = [],
  from: Trail<Target>['from'] = null,
  setbacks: readonly Setback[] = [],
): Trail<Target> {
  const history = beginHistory()
  for (const target of visited) history.visited.add(targetKey(target))
  return { history, setbacks: [...setbacks], from }
}

it('lets a job wait beside eight keys that fill all places, and sends away the newest of whoever has most', async () => {
  const { clock, choice, fail, next } = open()
  fail(glm, 'rate-limited', coolsMs)
  const flood = Array.from({ length: 256 }, (_, index) => next([[glm]], { principal: `key-${index % 8}` }))
  const one = next([[glm]], { principal: 'ada' })
  expect(choice.waiting).toBe(256)
  expect(await next([[glm]], { principal: 'key-0' })).toMatchObject({
    code: 'rate-limited',
    retryAfterMs: coolsMs,
  })
  await clock.advance(coolsMs)
  expect(await one).toMatchObject({ target: glm })
  const outcomes = await Promise.all(flood)
  expect(outcomes.filter((outcome) => outcome instanceof CallFailure)).toMatchObject([
    { code: 'rate-limited', retryAfterMs: coolsMs },
  ])
  expect(choice.waiting).toBe(0)
  expect(clock.pendingTimers).toBe(0)
})

it('sends away whoever lost his place, also where another one leaves at that moment, unless he was given up himself', async () => {
  const { clock, choice, fail, next } = open()
  fail(glm, 'rate-limited', coolsMs)
  const gone = new CallFailure('client-gone', { message: 'gone' })
  const [leaver, newest] = [new AbortController(), new AbortController()]
  const flood = (signal = new AbortController().signal) => next([[glm]], { principal: 'flood', signal })
  const left = flood(leaver.signal)
  const others = Array.from({ length: 253 }, () => flood())
  const [displaced, last] = [flood(), flood(newest.signal)]
  // Each takes the place of the newest.
  const first = next([[glm]])
  newest.abort(gone)
  leaver.abort(gone)
  const second = next([[glm]])
  expect(await last).toBe(gone)
  expect(await left).toBe(gone)
  expect(await displaced).toMatchObject({ code: 'rate-limited', retryAfterMs: coolsMs })
  expect(choice.waiting).toBe(255)
  await clock.advance(coolsMs)
  for (const outcome of await Promise.all([first, second, ...others])) {
    expect(outcome).toMatchObject({ target: glm })
  }
  expect(clock.pendingTimers).toBe(0)
})

describe('a job', () => {
  it('takes the first step of its chain with a member that nothing forbids, at once', async () => {
    const { told, fail, next } = open()
    const second = targetOf({ accountName: 'glm/second', group: 'glm/second' })
    expect(await next([[glm], [kimi]])).toEqual({ target: glm, at: 0 })
    fail(glm, 'rate-limited', coolsMs)
    expect(await next([[glm, second], [kimi]])).toEqual({ target: second, at: 0 })
    expect(await next([[glm], [kimi]])).toEqual({ target: kimi, at: 0 })
    expect(told).toEqual([])
  })

  it('goes where its conversation lives, among the groups of a step', async () => {
    const { next } = open()
    const step = [glm, targetOf({ accountName: 'glm/second', group: 'glm/second' })]
    const homes = async (): Promise<readonly unknown[]> =>
      Promise.all(Array.from({ length: 20 }, (_, index) => next([step], { affinity: `thread ${index}` })))
    const first = await homes()
    expect(await homes()).toEqual(first)
    for (const target of step) expect(first).toContainEqual({ target, at: 0 })
  })

  it('tries nothing twice in one cycle', async () => {
    const { next } = open()
    expect(await next([[glm], [kimi]], {}, trailOf([glm]))).toMatchObject({ target: kimi })
    const from = { target: glm, direction: 'other-account' } as const
    const sameAccount = targetOf({ model: 'glm-4.6' })
    expect(await next([[sameAccount], [kimi]], {}, trailOf([glm], from))).toMatchObject({ target: kimi })
  })

  it('that finds all cooling waits for the first that comes back, and says for whom', async () => {
    const { clock, choice, told, fail, next } = open()
    fail(glm, 'rate-limited', coolsMs)
    fail(kimi, 'rate-limited', 10_000)
    const waits = [next([[glm], [kimi]]), next([[kimi], [glm]])]
    expect(choice.waiting).toBe(2)
    await clock.advance(coolsMs)
    const back = { target: kimi, at: 10_000 }
    expect(await Promise.all(waits)).toEqual([back, back])
    expect(told.map(({ says, waitMs }) => [says, waitMs])).toEqual([
      ['kimi-k3 asked us to wait', 10_000],
      ['kimi-k3 asked us to wait', 10_000],
    ])
    expect(choice.waiting).toBe(0)
  })

  it('waits for the first of its chain where two come back at once', async () => {
    const { clock, told, fail, next } = open()
    for (const target of [glm, kimi]) fail(target, 'rate-limited', 10_000)
    const waits = next([[kimi], [glm]])
    await clock.advance(10_000)
    expect(await waits).toEqual({ target: kimi, at: 10_000 })
    expect(told.map(({ says }) => says)).toEqual(['kimi-k3 asked us to wait'])
  })

  it('does not turn round and round in the last milliseconds of a wait', async () => {
    const { clock, fail, next } = open()
    fail(glm, 'rate-limited', 10_000)
    await clock.advance(9_997)
    const waits = next([[glm]])
    await clock.advance(100)
    expect(await waits).toEqual({ target: glm, at: 10_007 })
  })

  it('looks again every half second or so while a probe is out, since nobody knows when that ends', async () => {
    for (const [dice, everyMs] of [
      [0, 250],
      [0.5, 500],
    ] as const) {
      const { clock, told, probe, next } = open(dice)
      const { over } = await probe(glm)
      const waits = next([[glm]])
      await clock.advance(everyMs)
      expect(told.map(({ waitMs }) => waitMs)).toEqual([null, null])
      over()
      await clock.advance(everyMs)
      expect(await waits).toEqual({ target: glm, at: 4_000 + 2 * everyMs })
    }
  })

  it('waits for a probe rather than for a long cooldown, and for a short one rather than for a probe', async () => {
    for (const [ms, toldOf] of [
      [10_000, 'glm-5.2 failed too often and is left in peace'],
      [300, 'kimi-k3 asked us to wait'],
    ] as const) {
      const { clock, told, fail, probe, next } = open()
      const { over } = await probe(glm)
      fail(kimi, 'rate-limited', ms)
      const steps = [[glm], [kimi]]
      const waits = [next(steps), next([...steps].reverse())]
      expect(told.map(({ says }) => says)).toEqual([toldOf, toldOf])
      over()
      await clock.advance(500)
      await Promise.all(waits)
    }
  })

  it('waits for nobody who is closed to it, and is told so where all are', async () => {
    const { clock, fail, next } = open()
    const setback = fail(glm, 'permission-denied')
    fail(kimi, 'rate-limited', 10_000)
    const waits = next([[glm], [kimi]])
    await clock.advance(10_000)
    expect(await waits).toMatchObject({ target: kimi })
    expect(await next([[glm]])).toMatchObject({
      code: 'permission-denied',
      message: 'It was permission-denied. It is asked again in 50 seconds.',
    })
    expect(await next([[glm]], {}, trailOf([], null, [setback]))).toBe(setback.failure)
    expect(await next([])).toMatchObject({
      code: 'not-configured',
      message: 'No provider is set up for this. Set one up in the config and restart the server.',
    })
  })

  it('fails at once where its time is over before anybody comes back, and tells when to come again', async () => {
    const { clock, choice, told, fail, probe, next } = open()
    const setback = fail(glm, 'rate-limited', coolsMs - 0.5)
    expect(await next([[glm]], { deadlineAt: () => coolsMs - 0.5 })).toMatchObject({
      code: 'rate-limited',
      message:
        'Nobody can take this now: glm-5.2 asked us to wait, and nothing else is set up for it. Try again in 30 seconds.',
      retryable: true,
      retryAfterMs: coolsMs,
    })
    expect(await next([[glm]], { deadlineAt: () => 1_000 }, trailOf([], null, [setback]))).toMatchObject({
      code: 'rate-limited',
      message: 'It was rate-limited.',
      retryAfterMs: coolsMs,
    })
    expect(told).toEqual([])
    const inTime = next([[glm]], { deadlineAt: () => coolsMs })
    expect(choice.waiting).toBe(1)
    await clock.advance(coolsMs)
    expect(await inTime).toMatchObject({ target: glm })
    await probe(kimi)
    expect(await next([[kimi]], { deadlineAt: () => clock.now() + 250 })).toMatchObject({
      code: 'provider-error',
      message: expect.stringMatching(/left in peace, .* Try again in a while\.$/),
      retryAfterMs: null,
    })
  })

  it('that is given up while it waits ends with the reason, and leaves its place', async () => {
    const { clock, choice, fail, next } = open()
    fail(glm, 'rate-limited', coolsMs)
    const gone = new CallFailure('client-gone', { message: 'gone' })
    const controller = new AbortController()
    const waits = next([[glm]], { signal: controller.signal })
    expect(choice.waiting).toBe(1)
    controller.abort(gone)
    expect(await waits).toBe(gone)
    expect(choice.waiting).toBe(0)
    expect(clock.pendingTimers).toBe(0)
    expect(await next([[kimi]], { signal: controller.signal })).toBe(gone)
  })

  it('whose time is over is told what was tried, if anything was', () => {
    const { clock, fail } = open()
    const setback = fail(glm, 'provider-error')
    const plan = planOf([[glm]], { deadlineAt: () => 0 })
    expect(() => assertInTime(clock, plan, [])).toThrow(expect.objectContaining({ code: 'deadline' }))
    expect(() => assertInTime(clock, plan, [])).toThrow(
      'The time of this call was over before a vendor could answer. Call again, or ask for less at once.',
    )
    expect(() => assertInTime(clock, plan, [setback])).toThrow(
      'could answer. Tried: glm/main glm-5.2 (provider-error). Call again',
    )
    expect(() => assertInTime(clock, planOf([], { deadlineAt: () => 1 }), [])).not.toThrow()
  })
})

describe('when all were tried', () => {
  const from = { target: glm, direction: 'other-group' } as const

  it('a job begins anew once the last is only cooling, with whoever is free', async () => {
    const { clock, fail, next } = open()
    const setback = fail(glm, 'rate-limited', coolsMs)
    const trail = trailOf([glm, kimi], from, [setback])
    expect(await next([[glm], [kimi]], {}, trail)).toEqual({ target: kimi, at: 0 })
    expect(trail.from).toBeNull()
    expect(trail.history.visited.size).toBe(0)
    const alone = next([[glm]], {}, trailOf([glm], from, [setback]))
    await clock.advance(coolsMs)
    expect(await alone).toEqual({ target: glm, at: coolsMs })
  })

  it('and not before: the rest of the chain comes first', async () => {
    const { fail, next } = open()
    const head = targetOf({ accountName: 'glm/head', group: 'glm/head' })
    const setback = fail(glm, 'rate-limited', coolsMs)
    const trail = trailOf([head, glm], from, [setback])
    expect(await next([[head], [glm], [kimi]], {}, trail)).toMatchObject({ target: kimi })
    expect(trail.from).toBe(from)
  })

  it('a job whose failure opened the breaker waits for it, as the job does that comes a moment later', async () => {
    const { clock, told, fail, next } = open()
    const setbacks = [1, 2, 3, 4, 5].map(() => fail(glm, 'timeout'))
    const waits = [
      next([[glm]], {}, trailOf([glm], { target: glm, direction: 'any' }, setbacks)),
      next([[glm]]),
    ]
    await clock.advance(4_000)
    const back = { target: glm, at: 4_000 }
    expect(await Promise.all(waits)).toEqual([back, back])
    expect(told.map(({ says }) => says)).toEqual(
      Array(2).fill('glm-5.2 failed too often and is left in peace'),
    )
  })

  it('also while somebody else’s probe is out', async () => {
    const { clock, fail, probe, next } = open(0.5)
    const setback = fail(glm, 'timeout')
    const { over } = await probe(glm)
    const waits = next([[glm]], {}, trailOf([glm], { target: glm, direction: 'any' }, [setback]))
    over()
    await clock.advance(500)
    expect(await waits).toEqual({ target: glm, at: 4_500 })
  })

  it('whoever returns first is waited for, tried or not', async () => {
    for (const code of ['rate-limited', 'credential-rejected', 'permission-denied'] as const) {
      const { clock, fail, next } = open()
      const setbacks = [1, 2, 3, 4, 5].map(() => fail(glm, 'timeout'))
      const last = fail(kimi, code, 10_000)
      const steps = [[glm], [kimi]]
      const notAsked = trailOf([glm], { target: glm, direction: 'any' }, setbacks)
      const asked = trailOf([glm, kimi], { target: kimi, direction: 'other-account' }, [...setbacks, last])
      const waits = [next(steps), next(steps, {}, notAsked), next(steps, {}, asked)]
      await clock.advance(4_000)
      const back = { target: glm, at: 4_000 }
      expect(await Promise.all(waits)).toEqual([back, back, back])
    }
    const { clock, fail, next } = open()
    const setbacks = [1, 2, 3, 4, 5].map(() => fail(glm, 'timeout'))
    fail(kimi, 'rate-limited', 1_000)
    const trail = trailOf([glm], { target: glm, direction: 'any' }, setbacks)
    const waits = next([[glm], [kimi]], {}, trail)
    await clock.advance(1_000)
    expect(await waits).toEqual({ target: kimi, at: 1_000 })
    expect(trail.from).not.toBeNull()
  })

  it('it is not asked again where time mends nothing', async () => {
    const small = targetOf({ contextTokens: 1_000 })
    for (const code of ['context-too-long', 'model-unknown', 'empty-output'] as const) {
      const { fail, next } = open()
      for (let i = 0; i < 5; i++) fail(small, 'timeout')
      const failure = new CallFailure(code, { message: 'It would fail again.' })
      const setback = { target: small, failure, tookMs: 0 }
      const trail = trailOf([small], { target: small, direction: 'any' }, [setback])
      expect(await next([[small]], {}, trail)).toBe(failure)
    }
  })

  it('it does not where the last is closed to it and somebody else could be asked, whoever only pauses', async () => {
    const { fail, next } = open()
    const third = targetOf({ accountName: 'glm/third', group: 'glm/third' })
    const pauses = fail(third, 'rate-limited', 10_000)
    const closed = fail(glm, 'permission-denied')
    const trail = trailOf([third, kimi, glm], from, [pauses, closed])
    expect(await next([[third], [kimi], [glm]], {}, trail)).toMatchObject({ code: 'permission-denied' })
    expect(trail.from).toBe(from)
  })

  it('it does not where the last comes back too late, or has nothing in its way', async () => {
    const late = open()
    await late.clock.advance(5_000)
    const setback = late.fail(glm, 'rate-limited', coolsMs)
    const steps = [[glm], [kimi]]
    const trail = (): Trail<Target> => trailOf([glm, kimi], from, [setback])
    expect(await late.next(steps, { deadlineAt: () => 5_000 + coolsMs }, trail())).toBe(setback.failure)
    expect(await late.next(steps, { deadlineAt: () => 5_001 + coolsMs }, trail())).toMatchObject({
      target: kimi,
    })
    const broken = open()
    for (let i = 0; i < 5; i++) broken.fail(glm, 'timeout')
    expect(broken.health.obstacle(glm)?.waitMs).toBe(4_000)
    expect(await broken.next(steps, { deadlineAt: () => 4_000 }, trail())).toBe(setback.failure)
    expect(await broken.next(steps, { deadlineAt: () => 4_001 }, trail())).toMatchObject({ target: kimi })
    expect(await open().next(steps, {}, trail())).toBe(setback.failure)
  })
})

describe('elsewhere', () => {
  it('is whoever is free and was not tried', () => {
    const { choice, fail } = open()
    const plan = planOf([[glm], [kimi]])
    const { history } = trailOf([glm])
    expect(choice.hasOther(plan, glm, history)).toBe(true)
    fail(kimi, 'rate-limited', coolsMs)
    expect(choice.hasOther(plan, glm, history)).toBe(false)
    const second = targetOf({ accountName: 'glm/second', group: 'glm/second' })
    expect(choice.hasOther(planOf([[glm, second], [kimi]]), glm, history)).toBe(true)
  })

  it('is for a hedge another group that would start it now', () => {
    const { choice, fail, site } = open()
    const plan = planOf([[glm, targetOf({ model: 'glm-4.6' })], [kimi]])
    const { history } = trailOf([glm])
    const at = (inFlight: number): Target | null =>
      choice.idleElsewhere(plan, { ...site, load: () => ({ inFlight, capacity: 2 }) }, glm, history)
    expect(at(1)).toBe(kimi)
    expect(at(2)).toBeNull()
    const kept = { ...site, load: () => ({ inFlight: 0, capacity: 2, waitMs: 1 }) }
    expect(choice.idleElsewhere(plan, kept, glm, history)).toBeNull()
    fail(kimi, 'rate-limited', coolsMs)
    expect(at(0)).toBeNull()
  })
})

describe('an endpoint on its way back', () => {
  const spare = targetOf({ accountName: 'glm/spare', group: 'glm/spare', weight: 0 })
  const conversations = Array.from({ length: 400 }, (_, index) => `conversation ${index}`)

  /** Five failures, four seconds in peace, three good probes. */
  async function recover(world: ReturnType<typeof open>, ...targets: readonly Target[]): Promise<void> {
    for (const target of targets) for (let i = 0; i < 5; i++) world.fail(target, 'timeout')
    await world.clock.advance(4_000)
    for (const target of targets) {
      for (let i = 0; i < 3; i++) {
        world.health.enter(target, new Set())?.settle(attemptEndOf('done', { target }), false, null)
      }
    }
  }

  async function chosen(world: ReturnType<typeof open>, steps: readonly (readonly Target[])[]) {
    const counts = new Map<Target, number>()
    for (const affinity of conversations) {
      const choice = await world.next(steps, { affinity })
      if (!('target' in choice)) throw choice
      counts.set(choice.target, (counts.get(choice.target) ?? 0) + 1)
    }
    return counts
  }

  it('gets its work back by steps from the next of the chain, and none of it goes to an account that stands by', async () => {
    const world = open()
    await recover(world, glm)
    for (const share of [0.1, 0.25, 0.5, 1]) {
      const counts = await chosen(world, [[spare, glm], [kimi]])
      // Four deviations of 400 draws are at most 0.1.
      expect(Math.abs((counts.get(glm) ?? 0) / conversations.length - share)).toBeLessThan(0.1)
      expect(counts.get(spare)).toBeUndefined()
      await world.clock.advance(15_000)
    }
  })

  it('gets all of it where nobody else could do it', async () => {
    const world = open()
    await recover(world, glm)
    expect(await chosen(world, [[spare, glm]])).toEqual(new Map([[glm, 400]]))
    world.fail(kimi, 'rate-limited', 30_000)
    expect(await chosen(world, [[glm], [kimi]])).toEqual(new Map([[glm, 400]]))
    const local = targetOf({
      provider: 'local',
      accountName: 'local/local',
      group: 'local/local',
      endpoint: '',
    })
    expect(await chosen(world, [[glm], [local]])).toEqual(new Map([[glm, 400]]))
    for (let i = 0; i < 5; i++) world.fail(glm, 'timeout')
    expect(await chosen(world, [[glm], [local]])).toEqual(new Map([[local, 400]]))
  })

  it('keeps no job off where the next of the chain would let it wait, or is on its way back and as full', async () => {
    const deepseek = targetOf({
      provider: 'deepseek',
      group: 'deepseek/main',
      endpoint: 'https://deepseek.example',
    })
    const chosenWhere = (world: ReturnType<typeof open>, waits: readonly Target[], last: Target = kimi) => {
      const load = (each: Target) => ({ inFlight: waits.includes(each) ? 3 : 2, capacity: 3 })
      const steps = last === kimi ? [[spare, glm], [kimi]] : [[spare, glm], [kimi], [last]]
      const all = conversations.map((affinity) =>
        world.choice.next(planOf(steps, { affinity }), { ...world.site, load }, trailOf()),
      )
      return new Set(all)
    }
    const world = open()
    await recover(world, glm)
    expect(chosenWhere(world, [kimi])).toEqual(new Set([glm]))
    expect(chosenWhere(world, [kimi, glm])).toEqual(new Set([glm]))
    expect(chosenWhere(world, [glm])).toEqual(new Set([glm, kimi]))
    expect(chosenWhere(world, [kimi], deepseek)).toEqual(new Set([glm, deepseek]))
    const both = open()
    await recover(both, kimi)
    await both.clock.advance(15_000)
    await recover(both, glm)
    // Whoever of the two is not let in at either goes where there is room.
    expect(chosenWhere(both, [kimi])).toEqual(new Set([glm]))
    expect(chosenWhere(both, [glm, kimi])).toEqual(new Set([glm]))
  })

  it('leaves the rest to whoever is further on its way, or else to whom the chain prefers', async () => {
    const world = open(0)
    await recover(world, kimi, glm)
    const level = await chosen(world, [[glm], [kimi]])
    expect(level.get(glm)).toBeGreaterThan(level.get(kimi) ?? 0)
    const apart = open(0)
    await recover(apart, kimi)
    await apart.clock.advance(15_000)
    await recover(apart, glm)
    const counts = await chosen(apart, [[glm], [kimi]])
    expect(counts.get(kimi)).toBeGreaterThan(300)
  })
})
