// The retry loop in virtual time: which road each failure opens, how long it waits, and what the caller is told.

import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CallFailure, type FailureCode } from '../domain/failure.ts'
import type { Refusal } from '../domain/refusal.ts'
import { createSeededRandom } from '../lib/random.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { AttemptEnd } from './attempt-end.ts'
import { attemptEndOf } from './attempt-end-of.ts'
import type { AttemptInput } from './attempt-run.ts'
import { Attempts, type AttemptsOptions } from './attempts.ts'
import type { AttemptLease, JobPlan, JobSite } from './job-plan.ts'
import { RetryBudget } from './retry-budget.ts'
import type { Target } from './target.ts'
import { type Obstacle, TargetHealth } from './target-health.ts'

const target = (provider: string, over: Partial<Target> = {}): Target => ({
  provider,
  model: `${provider}-model`,
  accountName: `${provider}/main`,
  group: `${provider}/main`,
  endpoint: `https://${provider}`,
  keyCount: 1,
  contextTokens: 1000,
  weight: 1,
  ...over,
})
const glm = target('glm')
const kimi = target('kimi', { contextTokens: 8000 })
const refusal: Refusal = {
  kind: 'refusal',
  reason: 'queue-full',
  scope: 'provider',
  dimension: 'jobs',
  limit: 1,
  used: 1,
  retryAfterMs: 1000,
  message: 'There is no room.',
}

type Play = (input: AttemptInput, at: Target) => Promise<string>

function createLoop(retriesPerMinute = 10, more: Pick<Partial<AttemptsOptions>, 'random' | 'hedge'> = {}) {
  const clock = new VirtualClock()
  const random = more.random ?? createSeededRandom(1)
  const health = new TargetHealth({ clock, random })
  const budget = new RetryBudget({ clock, floorPerMinute: retriesPerMinute })
  const attempts = new Attempts({ ...more, clock, random, health, budget })
  const ends: AttemptEnd[] = []
  const waits: Obstacle[] = []
  let held = 0
  let backInQueue = 0
  const lease = (): AttemptLease => {
    held++
    return {
      release: () => {
        held--
      },
      refusedByVendor: async () => {
        held--
        backInQueue++
        return lease()
      },
    }
  }
  const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = clock.after(ms, resolve)
      signal.addEventListener('abort', () => {
        timer.cancel()
        reject(signal.reason)
      })
    })
  const run = async (
    steps: readonly (readonly Target[])[],
    plays: readonly Play[],
    over: Partial<JobSite<Target, string>> = {},
    wish: Partial<JobPlan<Target>> = {},
  ) => {
    let turn = 0
    const deadlineAt = clock.now() + 240_000
    const job = attempts
      .run<Target, string>(
        {
          steps,
          deadlineAt: () => deadlineAt,
          signal: new AbortController().signal,
          outputTokensMax: 100,
          principal: 'anna',
          affinity: null,
          isHedgeable: false,
          ...wish,
        },
        {
          acquire: async () => lease(),
          run: async (at, input) => (await plays[turn++]?.(input, at)) ?? `${at.provider} said nothing`,
          load: () => ({ inFlight: 0, capacity: 1 }),
          isCommitted: () => false,
          onWait: (obstacle) => waits.push(obstacle),
          emit: (end) => {
            ends.push(end)
          },
          ...over,
        },
      )
      .catch((error: unknown) => error as CallFailure)
    // Lets everything that needs no time go first.
    await setImmediate()
    await clock.advance(300_000)
    const outcome = await job
    expect(held).toBe(0)
    expect(clock.pendingTimers).toBe(0)
    return outcome
  }
  const roads = (): string => ends.map((end) => `${end.target.provider}:${end.outcome}`).join(' ')
  return { clock, health, ends, waits, run, roads, sleep, requeued: () => backInQueue }
}

const fails =
  (code: FailureCode, over: { retryable?: boolean; retryAfterMs?: number } = {}): Play =>
  () =>
    Promise.reject(new CallFailure(code, { message: `It was ${code}.`, retryable: true, ...over }))
const says =
  (text: string): Play =>
  async () =>
    text

describe('the retry loop', () => {
  it.each<[FailureCode, string]>([
    ['provider-error', 'glm:provider-error glm:provider-error kimi:done'],
    ['rate-limited', 'glm:rate-limited kimi:done'],
    ['quota-exhausted', 'glm:quota-exhausted kimi:done'],
    ['model-unknown', 'glm:model-unknown kimi:done'],
    ['permission-denied', 'glm:permission-denied kimi:done'],
    ['context-too-long', 'glm:context-too-long kimi:done'],
    ['credential-rejected', 'glm:credential-rejected glm:credential-rejected kimi:done'],
  ])('after %s takes its road', async (code, road) => {
    const loop = createLoop()
    const rich = target('glm', { keyCount: 2 })
    const play: Play = (input, at) => (at === kimi ? says('from kimi') : fails(code))(input, at)
    expect(await loop.run([[rich], [kimi]], [play, play, play, play])).toBe('from kimi')
    expect(loop.roads()).toBe(road)
  })

  it.each<FailureCode>([
    'quota-exhausted',
    'model-unknown',
    'permission-denied',
    'context-too-long',
    'credential-rejected',
  ])('goes on after %s without a retry budget, for no outage can multiply that', async (code) => {
    const loop = createLoop(0)
    // Somebody met an outage of the next vendor before.
    await loop.run([[kimi]], [fails('provider-error')])
    expect(await loop.run([[glm], [kimi]], [fails(code), says('from kimi')])).toBe('from kimi')
  })

  it('goes on to the next vendor where the budget forbids to ask the same one again', async () => {
    const loop = createLoop(0)
    expect(await loop.run([[glm], [kimi]], [fails('provider-error'), says('from kimi')])).toBe('from kimi')
    expect(loop.roads()).toBe('glm:provider-error kimi:done')
    const alone = await loop.run([[glm]], [fails('provider-error'), says('never asked')])
    expect(alone).toMatchObject({ code: 'provider-error' })
  })

  it('asks a vendor that failed just now for nobody else’s sake, once its retries are spent, until it has spoken', async () => {
    const loop = createLoop(0)
    expect(await loop.run([[kimi]], [fails('provider-error')])).toMatchObject({ code: 'provider-error' })
    loop.health.visits.failed('kimi')
    const denied = await loop.run([[glm], [kimi]], [fails('provider-error'), says('never asked')])
    expect(denied).toMatchObject({ code: 'provider-error' })
    loop.health.visits.failed('kimi')
    loop.health.visits.heard(kimi)
    expect(await loop.run([[glm], [kimi]], [fails('provider-error'), says('from kimi')])).toBe('from kimi')
  })

  it('pays for asking the same vendor again, also where that has answered somebody since', async () => {
    const loop = createLoop(0)
    loop.clock.after(1, () => {
      const [end] = loop.ends
      if (end) loop.health.enter(glm, new Set())?.settle({ ...end, outcome: 'done' }, false, null)
    })
    const outcome = await loop.run([[glm]], [fails('provider-error'), says('never asked')])
    expect(loop.health.inspect().failing).not.toContain('glm')
    expect(outcome).toMatchObject({ code: 'provider-error' })
  })

  it('pays for asking a vendor again through another group, also where another vendor failed in between', async () => {
    const loop = createLoop(0)
    const second = target('glm', { accountName: 'glm/second', group: 'glm/second' })
    // Somebody else got an answer from glm meanwhile.
    const answersOthers: Play = (input, at) => {
      const [end] = loop.ends
      if (end) loop.health.enter(glm, new Set())?.settle({ ...end, outcome: 'done' }, false, null)
      return fails('provider-error')(input, at)
    }
    const plays = [fails('provider-error'), answersOthers, says('never asked')]
    expect(await loop.run([[glm], [kimi], [second]], plays)).toMatchObject({ code: 'provider-error' })
    expect(loop.health.inspect().failing).not.toContain('glm')
    expect(loop.roads()).toBe('glm:provider-error kimi:provider-error')
  })

  it('takes no probe from others for an attempt that the budget forbids', async () => {
    const loop = createLoop(0)
    const end = attemptEndOf('unreachable', { target: kimi })
    for (let i = 0; i < 5; i++) loop.health.enter(kimi, new Set())?.settle(end, false, null)
    await loop.clock.advance(10_000)
    expect(Object.values(loop.health.inspect().breakers)).toEqual(['half-open'])
    await loop.run([[glm], [kimi]], [fails('provider-error'), says('never asked')])
    expect(loop.roads()).toBe('glm:provider-error')
    expect(loop.health.obstacle(kimi)).toBeNull()
  })

  it('pays for a second vendor where only the cap was too low', async () => {
    const loop = createLoop(0)
    const outcome = await loop.run([[glm], [kimi]], [fails('empty-output'), says('never asked')])
    expect(outcome).toMatchObject({ code: 'empty-output' })
  })

  it('goes on at once when a vendor names a time, instead of waiting for it', async () => {
    const loop = createLoop()
    expect(
      await loop.run([[glm], [kimi]], [fails('provider-error', { retryAfterMs: 47_000 }), says('from kimi')]),
    ).toBe('from kimi')
    expect(loop.ends[1]?.endedAtMs).toBe(0)
  })

  it('asks the same vendor again after a moment, and the next one after a longer one', async () => {
    const loop = createLoop(10, { random: () => 0.5 })
    const fault = fails('provider-error')
    expect(await loop.run([[glm], [kimi]], [fault, fault, fault, says('at last')])).toBe('at last')
    expect(loop.ends.map(({ endedAtMs }) => endedAtMs)).toEqual([0, 125, 125, 125 + 500])
  })

  it('asks four times at most, also where the vendor would come back in time', async () => {
    const loop = createLoop()
    const later = fails('rate-limited', { retryAfterMs: 1_000 })
    const outcome = await loop.run([[glm]], [later, later, later, later, says('never asked')])
    expect(outcome).toMatchObject({ code: 'rate-limited' })
    expect(loop.ends).toHaveLength(4)
  })

  it('waits for the only target to come back, says so, and then succeeds', async () => {
    const loop = createLoop()
    const outcome = await loop.run(
      [[glm]],
      [fails('rate-limited', { retryAfterMs: 20_000 }), says('at last')],
    )
    expect(outcome).toBe('at last')
    expect(loop.waits[0]).toMatchObject({ code: 'rate-limited', says: 'glm-model asked us to wait' })
    expect(loop.ends[1]?.endedAtMs).toBeGreaterThanOrEqual(20_000)
  })

  it('fails at once, with the time to come back, when that is after the deadline', async () => {
    const loop = createLoop()
    const outcome = await loop.run([[glm]], [fails('rate-limited', { retryAfterMs: 3_600_000 })])
    expect(outcome).toMatchObject({ code: 'rate-limited' })
    expect((outcome as CallFailure).retryAfterMs).toBeGreaterThanOrEqual(3_600_000)
    expect(loop.clock.now()).toBe(300_000)
    expect(loop.ends).toHaveLength(1)
  })

  it('rotates through all keys of an account, whatever the number of attempts', async () => {
    const loop = createLoop()
    const rich = target('glm', { keyCount: 7 })
    const dead = fails('credential-rejected')
    expect(await loop.run([[rich]], [dead, dead, dead, dead, dead, dead, says('the seventh')])).toBe(
      'the seventh',
    )
    expect(new Set(loop.ends.map(({ keyName }) => keyName)).size).toBe(7)
    expect(new Set(loop.ends.map(({ outputTokensMax }) => outputTokensMax))).toEqual(new Set([100]))
    expect(loop.health.inspect().deadKeys).toHaveLength(6)
  })

  it('asks no key twice, also where somebody revives it, and a dead account’s rates for nothing', async () => {
    const loop = createLoop()
    const rich = target('glm', { keyCount: 2 })
    const sameAccount = target('glm', { keyCount: 2, model: 'glm-small' })
    let looks = 0
    const ready = async (): Promise<null> => {
      looks++
      return null
    }
    const dead = fails('credential-rejected')
    const revived: Play = (input, at) => {
      loop.health.revive()
      return dead(input, at)
    }
    const steps = [[rich], [sameAccount], [kimi]]
    expect(await loop.run(steps, [dead, revived, says('from kimi')], { ready })).toBe('from kimi')
    expect(loop.ends.map(({ keyName }) => keyName)).toEqual(['glm/main#0', 'glm/main#1', 'kimi/main#0'])
    expect(looks).toBe(3)
  })

  it('doubles the cap once when it left no room for an answer', async () => {
    const loop = createLoop()
    await loop.run([[glm]], [fails('empty-output'), fails('empty-output')])
    expect(loop.ends.map(({ outputTokensMax }) => outputTokensMax)).toEqual([100, 200])
  })

  it('asks once more where nothing came, and there was no cap to double', async () => {
    const loop = createLoop()
    const plays = [fails('empty-output'), says('words')]
    expect(await loop.run([[glm]], plays, {}, { outputTokensMax: null })).toBe('words')
    expect(loop.ends.map(({ outputTokensMax }) => outputTokensMax)).toEqual([null, null])
  })

  it('asks the next vendor where one has answered nothing twice', async () => {
    const loop = createLoop()
    const empty = fails('empty-output')
    expect(await loop.run([[glm], [kimi]], [empty, empty, says('words')])).toBe('words')
    expect(loop.roads()).toBe('glm:empty-output glm:empty-output kimi:done')
  })

  it('puts a job back into its queue when the vendor takes no more at once, and shows no error', async () => {
    const loop = createLoop()
    const full = fails('concurrency-limited')
    expect(await loop.run([[glm]], [full, full, full, full, full, full, says('well')])).toBe('well')
    expect(loop.requeued()).toBe(6)
  })

  it('leaves its place for another account of the model that would start it now, and may come back', async () => {
    const second = target('glm', { accountName: 'glm/second', group: 'glm/second' })
    const full = fails('concurrency-limited')
    const loop = createLoop()
    const busy = { load: (at: Target) => ({ inFlight: at === second ? 1 : 0, capacity: 1 }) }
    const spare = { ...second, weight: 0 }
    expect(await loop.run([[glm, second]], [full, full, says('well')], busy)).toBe('well')
    expect(await loop.run([[glm, spare]], [full, full, says('well')])).toBe('well')
    expect(loop.requeued()).toBe(4)
    const moved = createLoop()
    const sent: string[] = []
    const play =
      (next: Play): Play =>
      (input, at) => {
        sent.push(at.group)
        return next(input, at)
      }
    const plays = [full, full, full, fails('bad-request')].map(play)
    await moved.run([[glm, second], [kimi]], plays)
    expect(moved.requeued()).toBe(0)
    expect(
      sent.slice(0, 4).every((group, index) => group.startsWith('glm') && group !== sent[index - 1]),
    ).toBe(true)
    expect(sent).toHaveLength(4)
  })

  it('leaves a vendor that sent it back 32 times for another one', async () => {
    const loop = createLoop()
    const plays = [...Array.from({ length: 33 }, () => fails('concurrency-limited')), says('well')]
    expect(await loop.run([[glm], [kimi]], plays)).toBe('well')
    expect(loop.requeued()).toBe(32)
    expect(loop.roads()).toMatch(/ kimi:done$/)
  })

  it('ends with the words of a queue that takes a job back no more, after what sent it there; or goes on elsewhere', async () => {
    const loop = createLoop()
    const full = fails('concurrency-limited')
    const acquire = async (at: Target): Promise<AttemptLease> => ({
      release: () => {},
      refusedByVendor: async () => (at === glm ? refusal : expect.fail('kimi sent nothing back')),
    })
    expect(await loop.run([[glm]], [full], { acquire })).toMatchObject({
      code: 'refused',
      refusal: {
        ...refusal,
        message: 'There is no room. Tried before it: glm/main glm-model (concurrency-limited).',
      },
    })
    expect(await loop.run([[glm], [kimi]], [full, says('from kimi')], { acquire })).toBe('from kimi')
  })

  it('gives a first attempt two thirds of the time while another candidate is left, and blames nobody who spoke', async () => {
    const loop = createLoop()
    const slow: Play = async (input) => {
      input.meter.firstPart()
      await loop.sleep(1_000_000, input.signal)
      return 'never'
    }
    expect(await loop.run([[glm], [kimi]], [slow, says('in time')])).toBe('in time')
    expect(loop.ends[0]).toMatchObject({ outcome: 'timeout', durationMs: 160_000, number: 1 })
    expect(loop.roads()).toBe('glm:timeout kimi:done')
    expect(loop.health.obstacle(glm)).toBeNull()
  })

  it('leaves a silent vendor at once while somebody else can be asked', async () => {
    const loop = createLoop()
    const silent: Play = async (input) => {
      await loop.sleep(60_000, input.signal)
      return fails('timeout')(input, glm)
    }
    expect(await loop.run([[glm], [kimi]], [silent, says('from kimi')])).toBe('from kimi')
    expect(loop.roads()).toBe('glm:timeout kimi:done')
    expect(loop.ends[1]?.endedAtMs).toBe(60_000)
  })

  it('leaves a vendor that failed slowly, and asks one again that failed quickly', async () => {
    const truncatedAfter =
      (loop: ReturnType<typeof createLoop>, ms: number): Play =>
      async (input) => {
        await loop.sleep(ms, input.signal)
        return fails('truncated')(input, glm)
      }
    const slow = createLoop()
    await slow.run([[glm], [kimi]], [truncatedAfter(slow, 31_000), says('from kimi')])
    expect(slow.roads()).toBe('glm:truncated kimi:done')
    const quick = createLoop()
    await quick.run([[glm], [kimi]], [truncatedAfter(quick, 30_000), says('at last')])
    expect(quick.roads()).toBe('glm:truncated glm:done')
  })

  it('asks a silent vendor once more where there is nobody else', async () => {
    const loop = createLoop()
    const silent: Play = async (input) => {
      await loop.sleep(60_000, input.signal)
      return fails('timeout')(input, glm)
    }
    expect(await loop.run([[glm]], [silent, says('at last')])).toBe('at last')
    expect(loop.roads()).toBe('glm:timeout glm:done')
  })

  it('leaves time for another candidate in every attempt, not only in the first', async () => {
    const loop = createLoop()
    const stuck: Play = async (input) => {
      await loop.sleep(1_000_000, input.signal)
      return 'never'
    }
    expect(await loop.run([[glm], [kimi]], [fails('provider-error'), stuck, says('from kimi')])).toBe(
      'from kimi',
    )
    expect(loop.roads()).toBe('glm:provider-error glm:timeout kimi:done')
  })

  it('says at the deadline which vendor was silent, for how long, and what was tried before it', async () => {
    const loop = createLoop()
    const silent: Play = async (input, at) => {
      await loop.sleep(at === glm ? 150_000 : 1_000_000, input.signal)
      return fails('timeout')(input, at)
    }
    const outcome = await loop.run([[glm], [kimi]], [silent, silent])
    expect(outcome).toMatchObject({
      code: 'deadline',
      message:
        'kimi (kimi-model) had sent nothing for 90 s when the time of this call was over. Name another model, ask for less at once, or raise limits.callTimeoutMs on the server. Tried before it: glm/main glm-model (timeout after 150 s).',
    })
    // The vendor is not to blame for our own limit.
    expect(loop.roads()).toBe('glm:timeout kimi:deadline')
    expect(loop.ends[1]?.endedAtMs).toBe(239_750)
  })

  it('tells a vendor that fell silent from one that was still answering', async () => {
    const told = async (everyMs: number, times: number): Promise<string> => {
      const loop = createLoop()
      const play: Play = async (input) => {
        for (let i = 0; i < times; i++) {
          input.meter.firstPart()
          input.meter.outputChars(1)
          await loop.sleep(everyMs, input.signal)
        }
        await loop.sleep(1_000_000, input.signal)
        return 'never'
      }
      return ((await loop.run([[glm]], [play])) as CallFailure).message
    }
    expect(await told(1_000, 20)).toMatch(
      /^glm \(glm-model\) had begun to answer, and had sent nothing more for 221 s/,
    )
    expect(await told(1_000, 1_000)).toMatch(
      /^glm \(glm-model\) was still answering .* Ask for less at once, or raise/,
    )
  })

  it('tells the row whether its vendor had begun; what was answered was begun', async () => {
    const loop = createLoop()
    const begun: Play = async (input) => {
      input.meter.began()
      return fails('truncated')(input, glm)
    }
    await loop.run([[glm], [kimi]], [fails('provider-error'), begun, says('well')])
    expect(loop.ends.map(({ hasBegun }) => hasBegun)).toEqual([false, true, true])
  })

  it('tells of all attempts when the last one fails', async () => {
    const loop = createLoop()
    const outcome = await loop.run([[glm], [kimi]], [fails('model-unknown'), fails('bad-request')])
    expect(outcome).toMatchObject({
      code: 'bad-request',
      message: 'It was bad-request. Tried before it: glm/main glm-model (model-unknown).',
    })
  })

  it('asks for an unknown model once a minute, not at each call', async () => {
    const loop = createLoop()
    await loop.run([[glm]], [fails('model-unknown')])
    const first = loop.ends.length
    // Virtual minutes have passed: it is asked again, and then remembered.
    const calls = Promise.all([loop.run([[glm]], [fails('model-unknown')])])
    expect(await calls).toMatchObject([{ code: 'model-unknown' }])
    expect(loop.ends.length).toBe(first + 1)
  })

  it('takes another group when a queue is full, and makes no attempt of it', async () => {
    const loop = createLoop()
    const acquire = async (at: Target): Promise<AttemptLease | Refusal> =>
      at === glm ? refusal : { release: () => {}, refusedByVendor: async () => refusal }
    expect(await loop.run([[glm], [kimi]], [says('from kimi')], { acquire })).toBe('from kimi')
    expect(loop.roads()).toBe('kimi:done')
    const alone = await loop.run([[glm]], [], { acquire })
    expect(alone).toMatchObject({ code: 'refused', refusal, retryable: true })
  })

  it('asks each full queue once, and calls what it asks after them its first attempt', async () => {
    const loop = createLoop(0)
    const asked: string[] = []
    const third = target('glm', { accountName: 'glm/third', group: 'glm/third' })
    const steps = [[glm], [kimi], [third]]
    const acquire = async (at: Target): Promise<AttemptLease | Refusal> => {
      asked.push(at.group)
      return at === third ? { release: () => {}, refusedByVendor: async () => refusal } : refusal
    }
    expect(await loop.run(steps, [says('from the third')], { acquire })).toBe('from the third')
    expect(asked).toEqual(['glm/main', 'kimi/main', 'glm/third'])
    expect(await loop.run([[glm], [kimi]], [], { acquire })).toMatchObject({ code: 'refused' })
    expect(asked.slice(3)).toEqual(['glm/main', 'kimi/main'])
  })

  it('goes elsewhere where the rates have no room for asking again', async () => {
    const loop = createLoop()
    const ready = async (at: Target): Promise<Refusal | null> =>
      at === glm && loop.ends.length > 0 ? refusal : null
    expect(await loop.run([[glm], [kimi]], [fails('empty-output'), says('from kimi')], { ready })).toBe(
      'from kimi',
    )
    expect(loop.roads()).toBe('glm:empty-output kimi:done')
  })

  it('gives up where a vendor asks for a pause each time the job has waited for its slot', async () => {
    const loop = createLoop()
    let slots = 0
    const acquire = async (): Promise<AttemptLease> => {
      slots++
      const failure = new CallFailure('rate-limited', { message: 'Later.', retryAfterMs: 1_000 })
      loop.health.enter(glm, new Set())?.settle(attemptEndOf('rate-limited', { target: glm }), false, failure)
      return { release: () => {}, refusedByVendor: () => expect.fail('it was not asked') }
    }
    expect(await loop.run([[glm]], [says('never asked')], { acquire })).toMatchObject({
      code: 'overloaded',
      message: 'The vendors changed their mind too often while this job waited. Call again in a minute.',
      retryable: true,
    })
    expect(slots).toBe(64)
    expect(loop.ends).toEqual([])
  })

  it('lets jobs earn hedges that may be hedged, and no others', async () => {
    const loop = createLoop(10, { hedge: { afterMs: 1_000, share: 0.5 } })
    const slow: Play = async (input) => {
      await loop.sleep(5_000, input.signal)
      return 'well'
    }
    for (const isHedgeable of [false, true, true]) {
      await loop.run([[glm], [kimi]], [slow, slow], {}, { isHedgeable })
    }
    expect(loop.ends.map(({ isHedge }) => isHedge)).toEqual([false, false, false, true])
  })

  it('stops where the surface has sent what it cannot take back', async () => {
    const loop = createLoop()
    const outcome = await loop.run([[glm], [kimi]], [fails('truncated')], { isCommitted: () => true })
    expect(outcome).toMatchObject({ code: 'truncated' })
    expect(loop.roads()).toBe('glm:truncated')
  })
})
