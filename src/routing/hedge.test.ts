// Hedges through the retry loop, in virtual time: whose failure a failure is, what counts as tried, and where the job goes on.

import { describe, expect, it } from 'vitest'
import { CallFailure, type FailureCode } from '../domain/failure.ts'
import { createSeededRandom } from '../lib/random.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { AttemptEnd } from './attempt-end.ts'
import { Attempts } from './attempts.ts'
import type { AttemptLease, JobSite } from './job-plan.ts'
import { RetryBudget } from './retry-budget.ts'
import type { Target } from './target.ts'
import { TargetHealth } from './target-health.ts'
import { targetOf } from './target-of.ts'

const at = (provider: string, keyCount = 1): Target =>
  targetOf({
    provider,
    model: `${provider}-model`,
    accountName: `${provider}/main`,
    group: `${provider}/main`,
    endpoint: `https://${provider}.example`,
    keyCount,
  })
const glm = at('glm', 2)
const kimi = at('kimi')
const third = at('third')

/** What a vendor does each time it is asked: speaks after so long or never, and ends after so long. */
interface Play {
  readonly speaksMs?: number
  readonly endsMs: number
  readonly code?: FailureCode
}

async function play(plays: Readonly<Record<string, readonly Play[]>>, targets: readonly Target[]) {
  const clock = new VirtualClock()
  const random = createSeededRandom(1)
  const health = new TargetHealth({ clock, random })
  const hedge = { afterMs: 2_000, share: 1 }
  const attempts = new Attempts({ clock, random, health, budget: new RetryBudget({ clock }), hedge })
  const ends: AttemptEnd[] = []
  const turns = new Map<string, number>()
  const held = new Map<string, number>()
  const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = clock.after(ms, resolve)
      signal.addEventListener('abort', () => {
        timer.cancel()
        reject(signal.reason)
      })
    })
  const lease = ({ provider }: Target): AttemptLease => {
    held.set(provider, (held.get(provider) ?? 0) + 1)
    return {
      release: () => void held.set(provider, (held.get(provider) ?? 0) - 1),
      refusedByVendor: () => Promise.reject(new Error('nobody is sent back here')),
    }
  }
  const site: JobSite<Target, string> = {
    acquire: async (target) => lease(target),
    run: async ({ provider }, { signal, meter }) => {
      const turn = turns.get(provider) ?? 0
      turns.set(provider, turn + 1)
      // The attempt holds a slot at its own vendor while it runs.
      expect(held.get(provider)).toBe(1)
      const { speaksMs, endsMs, code } = plays[provider]?.[turn] ?? { endsMs: 0 }
      if (speaksMs !== undefined) {
        await sleep(speaksMs, signal)
        meter.firstPart()
      }
      await sleep(endsMs - (speaksMs ?? 0), signal)
      if (code) throw new CallFailure(code, { message: `${provider} said ${code}.`, retryable: true })
      return `an answer of ${provider}`
    },
    load: () => ({ inFlight: 0, capacity: 1 }),
    isCommitted: () => false,
    emit: (end) => void ends.push(end),
  }
  const plan = {
    steps: targets.map((target) => [target]),
    deadlineAt: () => 240_000,
    signal: new AbortController().signal,
    outputTokensMax: null,
    principal: 'ada',
    affinity: null,
    isHedgeable: true,
  }
  const outcome = attempts.run(plan, site).catch((error: CallFailure) => `${error.code}: ${error.message}`)
  await clock.advance(240_000)
  const told = await outcome
  expect([...held.values()].every((count) => count === 0)).toBe(true)
  expect(clock.pendingTimers).toBe(0)
  const asked = ends.map(({ target, isHedge, outcome }) =>
    [target.provider, ...(isHedge ? ['hedge'] : []), outcome].join(' '),
  )
  return { told, asked, deadKeys: health.inspect().deadKeys }
}

describe('a hedge that fails beside the first', () => {
  it('does not end the job: the first one’s failure decides, and the hedge’s is told as its own', async () => {
    const silent: Play = { endsMs: 8_000, code: 'timeout' }
    const wrong: Play = { endsMs: 1_000, code: 'bad-request' }
    const down: Play = { endsMs: 10, code: 'provider-error' }
    expect(await play({ glm: [silent], kimi: [wrong] }, [glm, kimi, third])).toMatchObject({
      told: 'an answer of third',
      asked: ['kimi hedge bad-request', 'glm timeout', 'third done'],
    })
    const { told, asked } = await play({ glm: [silent], kimi: [wrong], third: [down, down] }, [
      glm,
      kimi,
      third,
    ])
    expect(asked).toEqual([
      'kimi hedge bad-request',
      'glm timeout',
      'third provider-error',
      'third provider-error',
    ])
    expect(told).toBe(
      'provider-error: third said provider-error. Tried before it: kimi/main kimi-model (bad-request), glm/main glm-model (timeout after 8 s), third/main third-model (provider-error).',
    )
  })

  it('kills its own key only, and the first one’s account is not asked with another for it', async () => {
    const silent: Play = { endsMs: 8_000, code: 'timeout' }
    const rejected: Play = { endsMs: 1_000, code: 'credential-rejected' }
    const { told, asked, deadKeys } = await play({ glm: [silent], kimi: [rejected] }, [glm, kimi, third])
    expect(asked).toEqual(['kimi hedge credential-rejected', 'glm timeout', 'third done'])
    expect(told).toBe('an answer of third')
    expect(deadKeys).toEqual(['kimi/main#0'])
  })

  it('was tried, and is one of the job’s attempts', async () => {
    const cut: Play = { endsMs: 40_000, code: 'truncated' }
    const down: Play = { endsMs: 1_000, code: 'provider-error' }
    const many = [glm, kimi, third, at('fourth'), at('fifth'), at('sixth')]
    const { asked } = await play(
      { glm: [cut], kimi: [down], third: [cut], fourth: [down], fifth: [down], sixth: [down] },
      many,
    )
    expect(asked.map((each) => each.split(' ')[0])).toEqual(['kimi', 'glm', 'third', 'fourth'])
  })

  it('leaves the first alone to answer', async () => {
    const { told, asked } = await play(
      { glm: [{ speaksMs: 6_000, endsMs: 9_000 }], kimi: [{ endsMs: 1_000, code: 'bad-request' }] },
      [glm, kimi],
    )
    expect({ told, asked }).toEqual({
      told: 'an answer of glm',
      asked: ['kimi hedge bad-request', 'glm done'],
    })
  })
})

describe('a hedge that speaks first', () => {
  it('has its failure for its own, and the job goes on at its vendor, on its slot', async () => {
    const { told, asked } = await play(
      { glm: [{ endsMs: 60_000 }], kimi: [{ speaksMs: 500, endsMs: 1_000, code: 'truncated' }] },
      [glm, kimi],
    )
    expect({ told, asked }).toEqual({
      told: 'an answer of kimi',
      asked: ['glm hedge-lost', 'kimi hedge truncated', 'kimi done'],
    })
  })

  it('ends the job where its failure does', async () => {
    const { told, asked } = await play(
      { glm: [{ endsMs: 60_000 }], kimi: [{ speaksMs: 500, endsMs: 1_000, code: 'content-filtered' }] },
      [glm, kimi, third],
    )
    expect({ told, asked }).toEqual({
      told: 'content-filtered: kimi said content-filtered.',
      asked: ['glm hedge-lost', 'kimi hedge content-filtered'],
    })
  })
})

describe('whoever was only slower', () => {
  it('was not tried: a hedge that lost is asked when the first one breaks off', async () => {
    const { told, asked } = await play(
      { glm: [{ speaksMs: 4_000, endsMs: 90_000, code: 'truncated' }], kimi: [{ endsMs: 30_000 }] },
      [glm, kimi],
    )
    expect({ told, asked }).toEqual({
      told: 'an answer of kimi',
      asked: ['kimi hedge hedge-lost', 'glm truncated', 'kimi done'],
    })
  })
})
