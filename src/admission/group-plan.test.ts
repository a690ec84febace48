import { describe, expect, it } from 'vitest'
import { isRefusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { type GroupSettings, toGroupPlan } from './group-plan.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import { QuotaGroup } from './quota-group.ts'
import { leased } from './small-group.ts'

/** What the ceiling of a group is after first tokens that were quick for long came late, and all of it was taken. */
async function limitAfterLateTokens(configured: number | null): Promise<number> {
  const clock = new VirtualClock()
  const plan = toGroupPlan({
    per: 'model',
    concurrency: { default: null, byModel: configured === null ? {} : { 'glm-5.2': configured } },
    learnFrom: 8,
  })
  const group = new QuotaGroup({ ...plan.group('glm-5.2'), name: 'glm', clock, random: () => 0.5 })
  const jobs = Array.from({ length: 8 }, () =>
    group.acquire({
      principal: 'local',
      client: 'a',
      class: 'interactive',
      inputTokens: 10,
      outputTokensMax: 90,
      bytes: 100,
      deadlineAt: Number.POSITIVE_INFINITY,
      signal: new AbortController().signal,
      onPlace: () => undefined,
    }),
  )
  const leases = (await Promise.all(jobs)).flatMap((each) => (isRefusal(each) ? [] : [each]))
  for (const ms of [...Array<number>(50).fill(800), ...Array<number>(9).fill(4000)]) {
    await clock.advance(ms)
    leases[0]?.firstToken(ms, 'glm-5.2')
  }
  const { capacity } = group
  for (const lease of leases) lease.release()
  return capacity
}

function groupOf(settings: GroupSettings, model: string, clock = new VirtualClock()): QuotaGroup {
  return new QuotaGroup({ ...toGroupPlan(settings).group(model), name: 'glm', clock, random: () => 0.5 })
}

describe('group plan', () => {
  it('looks at first tokens where the ceiling is learned, and believes what is configured', async () => {
    expect(await limitAfterLateTokens(null)).toBe(7)
    expect(await limitAfterLateTokens(8)).toBe(8)
  })

  it('says of each model whether its ceiling is configured, or learned from two on', () => {
    const settings = { per: 'model', concurrency: { default: null, byModel: { 'glm-5.2': 8 } } } as const
    expect(groupOf(settings, 'glm-5.2').inspect()).toMatchObject({
      ceiling: { limit: 8, source: 'configured', max: 8 },
      costs: 'slot-time',
    })
    expect(groupOf(settings, 'glm-5.3').inspect().ceiling).toEqual({ limit: 2, source: 'learned', max: null })
    const kimi = { per: 'account', concurrency: { default: 3, byModel: {} }, costs: 'tokens' } as const
    expect(groupOf(kimi, '').inspect()).toMatchObject({
      ceiling: { limit: 3, source: 'configured' },
      costs: 'tokens',
    })
  })

  it('gives a model the ceiling of all others though its name is one that every object answers to', async () => {
    const settings = { per: 'model', concurrency: { default: 1, byModel: { 'glm-5.2': 8 } } } as const
    for (const model of ['constructor', 'toString', '__proto__', 'glm-4.7']) {
      const group = groupOf(settings, model)
      for (let n = 0; n < 5; n++) void group.acquire(leaseRequestOf({ deadlineAt: 240_000 }))
      expect([group.capacity, group.inFlight, group.waiting]).toEqual([1, 1, 4])
    }
  })

  it('holds the slot of a request that was cut for as long as it is told, else not at all', async () => {
    const settings = { per: 'account', concurrency: { default: 1, byModel: {} } } as const
    for (const cutHoldMs of [0, 250]) {
      const clock = new VirtualClock()
      const group = groupOf(cutHoldMs === 0 ? settings : { ...settings, cutHoldMs }, '', clock)
      ;(await leased(group.acquire(leaseRequestOf()))).releaseCut()
      expect(group.inspect().held).toBe(cutHoldMs === 0 ? 0 : 1)
      await clock.advance(cutHoldMs)
      expect(group.inspect().held).toBe(0)
    }
  })
})
