// Jobs that all leave a vendor in one moment for another one, of which nothing is known: one looks, the others wait for its news.

import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { wait } from '../lib/wait.ts'
import type { AttemptInput } from './attempt-run.ts'
import { Attempts } from './attempts.ts'
import type { JobPlan, JobSite } from './job-plan.ts'
import { RetryBudget } from './retry-budget.ts'
import type { Target } from './target.ts'
import { TargetHealth } from './target-health.ts'
import { targetOf } from './target-of.ts'

const at = (provider: string): Target =>
  targetOf({ provider, accountName: `${provider}/main`, group: `${provider}/main` })
const [glm, kimi] = [at('glm'), at('kimi')]
const silent = new CallFailure('timeout', { message: 'Silence.', retryable: true })
const never = new AbortController().signal
const gone = new CallFailure('client-gone', { message: 'Gone.' })

type Play = (input: AttemptInput, sleep: (ms: number) => Promise<void>) => Promise<string>

/** Three jobs that leave glm at once; `play` is what kimi does. Says when it was asked, and what became of them. */
async function leave(
  play: Play,
  {
    timeoutMs = 240_000,
    leavesAtMs = [] as readonly (number | null)[],
    perMinute = 10,
    /** How long ago an attempt failed at kimi. */
    failedMsAgo = null as number | null,
    /** How long ago somebody's answer began at kimi, of which a part comes each second. */
    spokenMs = 0,
  } = {},
) {
  const clock = new VirtualClock()
  const health = new TargetHealth({ clock, random: () => 0.5 })
  if (failedMsAgo !== null) health.visits.failed('kimi')
  await clock.advance(failedMsAgo ?? 0)
  const budget = new RetryBudget({ clock, floorPerMinute: perMinute })
  const attempts = new Attempts({ clock, random: () => 0.5, health, budget })
  const asked: number[] = []
  let held = 0
  const planOf = (steps: readonly (readonly Target[])[], signal: AbortSignal): JobPlan<Target> => {
    const deadlineAt = clock.now() + timeoutMs
    const rest = { outputTokensMax: null, principal: 'anna', affinity: null, isHedgeable: false }
    return { steps, deadlineAt: () => deadlineAt, signal, ...rest }
  }
  const siteOf = (run: JobSite<Target, string>['run']): JobSite<Target, string> => ({
    acquire: async () => {
      held++
      return { release: () => void held--, refusedByVendor: () => expect.fail('nobody refuses') }
    },
    run,
    load: () => ({ inFlight: 0, capacity: 8 }),
    isCommitted: () => false,
    emit: () => {},
  })
  const speaks = siteOf(async (_target, { meter, signal }) => {
    for (let ms = 0; ms < spokenMs + 10_000; ms += 1_000) {
      meter.outputChars(1)
      await wait(clock, 1_000, signal)
    }
    return 'a long answer'
  })
  const beside = spokenMs > 0 ? attempts.run(planOf([[kimi]], never), speaks) : null
  await clock.advance(spokenMs)
  const beganAt = clock.now()
  const jobs = Array.from({ length: 3 }, async (_, index) => {
    const leaver = new AbortController()
    const leavesAt = leavesAtMs[index] ?? null
    if (leavesAt !== null) clock.after(leavesAt, () => leaver.abort(gone))
    const site = siteOf(async (target, input) => {
      if (target === glm) throw silent
      asked.push(clock.now() - beganAt)
      return play(input, (ms) => wait(clock, ms, input.signal))
    })
    return attempts
      .run(planOf([[glm], [kimi]], leaver.signal), site)
      .catch((error: unknown) => (error as CallFailure).code)
  })
  await setImmediate()
  await clock.advance(timeoutMs)
  const outcomes = await Promise.all(jobs)
  await beside
  expect(held).toBe(0)
  expect(clock.pendingTimers).toBe(0)
  expect(health.visits.isAwaited(kimi)).toBe(false)
  return { asked, outcomes }
}

const answers = ['an answer', 'an answer', 'an answer']

describe('jobs that leave a vendor together', () => {
  it('begin at the next one as soon as the first of them hears a part of its answer, or the whole', async () => {
    const inParts: Play = async ({ meter }, sleep) => {
      await sleep(300)
      meter.firstPart()
      await sleep(100)
      return 'an answer'
    }
    expect(await leave(inParts)).toEqual({ asked: [0, 300, 300], outcomes: answers })
    const whole: Play = async (_input, sleep) => {
      await sleep(400)
      return 'an answer'
    }
    expect(await leave(whole)).toEqual({ asked: [0, 400, 400], outcomes: answers })
  })

  it('begin at once where others hear parts of answers that began long ago', async () => {
    const slow: Play = async (_input, sleep) => {
      await sleep(8_000)
      return 'an answer'
    }
    expect(await leave(slow, { spokenMs: 20_000 })).toEqual({ asked: [0, 0, 0], outcomes: answers })
  })

  it('send another one to look where the one that looked is given up', async () => {
    const play: Play = async ({ meter }, sleep) => {
      await sleep(300)
      meter.firstPart()
      return 'an answer'
    }
    const { asked, outcomes } = await leave(play, { leavesAtMs: [100] })
    expect(asked).toEqual([0, 100, 400])
    expect(outcomes).toEqual(['client-gone', ...answers.slice(1)])
  })

  it('wait six seconds, or an eighth of their time, where nothing is heard', async () => {
    const slow: Play = async (_input, sleep) => {
      await sleep(10_000)
      return 'an answer'
    }
    expect(await leave(slow)).toEqual({ asked: [0, 6_000, 6_000], outcomes: answers })
    expect(await leave(slow, { timeoutMs: 24_000 })).toEqual({ asked: [0, 3_000, 3_000], outcomes: answers })
  })

  it('look at a vendor that has failed one by one, and pay for that, until something is heard', async () => {
    let count = 0
    const recovers: Play = async ({ meter }, sleep) => {
      await sleep(10_000)
      if (++count === 1) throw silent
      meter.firstPart()
      return 'an answer'
    }
    const paid = await leave(recovers, { failedMsAgo: 20_000, perMinute: 2 })
    expect(paid).toEqual({ asked: [0, 10_000, 20_000], outcomes: ['timeout', ...answers.slice(1)] })
  })

  it('wait an eighth of their time for news of one that has failed, and then pay or end', async () => {
    const slow: Play = async (_input, sleep) => {
      await sleep(40_000)
      return 'an answer'
    }
    const { asked, outcomes } = await leave(slow, { failedMsAgo: 20_000, perMinute: 1 })
    expect(asked).toEqual([0])
    expect(outcomes).toEqual(['an answer', 'timeout', 'timeout'])
    const rich = await leave(slow, { failedMsAgo: 20_000, perMinute: 3 })
    expect(rich).toEqual({ asked: [0, 30_000, 30_000], outcomes: answers })
  })

  it('know nothing of a vendor by what failed there more than five minutes ago', async () => {
    const slow: Play = async (_input, sleep) => {
      await sleep(10_000)
      return 'an answer'
    }
    const late = await leave(slow, { failedMsAgo: 300_001, perMinute: 0 })
    expect(late).toEqual({ asked: [0, 6_000, 6_000], outcomes: answers })
  })

  it('pay from the retry budget where that one fails as well', async () => {
    const down: Play = async (_input, sleep) => {
      await sleep(100)
      throw silent
    }
    const { asked, outcomes } = await leave(down, { perMinute: 0 })
    expect(asked).toEqual([0])
    expect(outcomes).toEqual(['timeout', 'timeout', 'timeout'])
  })

  it('may be given up while they wait', async () => {
    const slow: Play = async (_input, sleep) => {
      await sleep(10_000)
      return 'an answer'
    }
    const { asked, outcomes } = await leave(slow, { leavesAtMs: [null, 50] })
    expect(asked).toEqual([0, 6_000])
    expect(outcomes).toEqual(['an answer', 'client-gone', 'an answer'])
  })
})
