// Jobs that all leave a vendor in one moment for another one, of which nothing is known: one looks, the others wait for its news.

import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { wait } from '../lib/wait.ts'
import type { AttemptInput } from './attempt-run.ts'
import { Attempts } from './attempts.ts'
import { RetryBudget } from './retry-budget.ts'
import type { Target } from './target.ts'
import { TargetHealth } from './target-health.ts'
import { targetOf } from './target-of.ts'

const at = (provider: string): Target =>
  targetOf({ provider, accountName: `${provider}/main`, group: `${provider}/main` })
const [glm, kimi] = [at('glm'), at('kimi')]
const silent = new CallFailure('timeout', { message: 'Silence.', retryable: true })
const gone = new CallFailure('client-gone', { message: 'Gone.' })

type Play = (input: AttemptInput, sleep: (ms: number) => Promise<void>) => Promise<string>

/** Three jobs that leave glm at once; `play` is what kimi does. Says when it was asked, and what became of them. */
async function leave(
  play: Play,
  { timeoutMs = 240_000, leavesAtMs = [] as readonly (number | null)[], perMinute = 10 } = {},
) {
  const clock = new VirtualClock()
  const health = new TargetHealth({ clock, random: () => 0.5 })
  const budget = new RetryBudget({ clock, floorPerMinute: perMinute })
  const attempts = new Attempts({ clock, random: () => 0.5, health, budget })
  const asked: number[] = []
  let held = 0
  const jobs = Array.from({ length: 3 }, async (_, index) => {
    const leaver = new AbortController()
    const leavesAt = leavesAtMs[index] ?? null
    if (leavesAt !== null) clock.after(leavesAt, () => leaver.abort(gone))
    const plan = {
      steps: [[glm], [kimi]],
      deadlineAt: () => timeoutMs,
      signal: leaver.signal,
      outputTokensMax: null,
      principal: 'anna',
      affinity: null,
      isHedgeable: false,
    }
    return attempts
      .run<Target, string>(plan, {
        acquire: async () => {
          held++
          return { release: () => void held--, refusedByVendor: () => expect.fail('nobody refuses') }
        },
        run: async (target, input) => {
          if (target === glm) throw silent
          asked.push(clock.now())
          return play(input, (ms) => wait(clock, ms, input.signal))
        },
        load: () => ({ inFlight: 0, capacity: 8 }),
        isCommitted: () => false,
        emit: () => {},
      })
      .catch((error: unknown) => (error as CallFailure).code)
  })
  await setImmediate()
  await clock.advance(timeoutMs)
  const outcomes = await Promise.all(jobs)
  expect(held).toBe(0)
  expect(clock.pendingTimers).toBe(0)
  expect(health.visits.isAwaited('kimi')).toBe(false)
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
