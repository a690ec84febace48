import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { AccountGroups } from './account-groups.ts'
import { type GroupSettings, toGroupPlan } from './group-plan.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import type { QuotaGroup } from './quota-group.ts'
import { leased } from './small-group.ts'

function open(settings: Partial<GroupSettings> = {}, clock = new VirtualClock()): AccountGroups {
  const plan = toGroupPlan({
    per: 'model',
    concurrency: { default: null, byModel: { 'glm-5.3': 1 } },
    ...settings,
  })
  return new AccountGroups('glm/main', plan, clock, () => 0.5)
}

async function use(group: QuotaGroup, tokens: number): Promise<void> {
  const lease = await leased(group.acquire(leaseRequestOf({ inputTokens: tokens, outputTokensMax: 0 })))
  lease.release({ inputTokens: tokens, outputTokens: 0 })
}

/** A job that its vendor refuses, as it does when it knows no such model. */
async function fail(group: QuotaGroup): Promise<void> {
  const lease = await leased(group.acquire(leaseRequestOf()))
  lease.releaseUnserved({ inputTokens: 0, outputTokens: 0 })
}

const counted = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  tokensPerDay: 1000,
  refundsTokens: true,
}

describe('account groups', () => {
  it('makes a group for each model, or one for the whole account, as the vendor counts', () => {
    const perModel = open()
    expect(perModel.groupFor('glm-5.2')).not.toBe(perModel.groupFor('glm-5.3'))
    expect(perModel.groupFor('glm-5.3').inspect().capacity).toBe(1)
    expect(perModel.groupFor('glm-5.2').inspect().capacity).toBe(2)
    const perAccount = open({ per: 'account', learnFrom: 1 })
    expect(perAccount.groupFor('a')).toBe(perAccount.groupFor('b'))
    expect(Object.keys(perAccount.inspect())).toEqual(['glm/main'])
    expect(perAccount.groupFor('a').inspect().capacity).toBe(1)
  })

  it('keeps the daily count through a restart, and through being forgotten', async () => {
    const clock = new VirtualClock()
    const groups = open({ rates: counted }, clock)
    await use(groups.groupFor('glm-5.2'), 300)
    await clock.advance(61_000)
    for (let i = 0; i < 200; i++) await use(groups.groupFor(`another-${i}`), 1)
    expect(groups.inspect()).not.toHaveProperty('glm/main glm-5.2')
    await clock.advance(61_000)
    await use(groups.groupFor('glm-5.2'), 200)
    const again = open({ rates: counted })
    again.restore(new Map(JSON.parse(JSON.stringify([...groups.snapshot()]))))
    expect(again.groupFor('glm-5.2').day.snapshot()).toEqual({ day: 0, tokens: 500 })
    await expect(use(again.groupFor('glm-5.2'), 501)).rejects.toThrow('would be about')
    await use(again.groupFor('glm-5.2'), 500)
  })

  it('lets invented names give back nothing that a minute has used up, and push out no model that answers', async () => {
    const clock = new VirtualClock()
    const groups = open({ rates: { ...counted, tokensPerDay: null, tokensPerMinute: 1000 } }, clock)
    const real = groups.groupFor('glm-5.2')
    await use(real, 900)
    for (let i = 0; i < 200; i++) await fail(groups.groupFor(`invented-${i}`))
    expect(groups.groupFor('glm-5.2')).toBe(real)
    expect(real.inspect().rates).toMatchObject([{ unit: 'tokens a minute', remaining: 100 }])
    await clock.advance(3_600_000)
    for (let i = 0; i < 200; i++) groups.groupFor(`invented-${i}`)
    expect(groups.groupFor('glm-5.2')).toBe(real)
  })

  it('lets what finds no place share one group until a minute has passed, and keeps no more than 64 beside it', async () => {
    const clock = new VirtualClock()
    const groups = open({ rates: { ...counted, tokensPerDay: null, requestsPerMinute: 600 } }, clock)
    for (let i = 0; i < 64; i++) await use(groups.groupFor(`real-${i}`), 1)
    for (let i = 0; i < 40; i++) await fail(groups.groupFor(`invented-${i}`))
    expect(Object.keys(groups.inspect())).toHaveLength(65)
    expect(groups.groupFor('invented-1')).toBe(groups.groupFor('invented-39'))
    expect(groups.inspect()['glm/main other models']?.rates).toMatchObject([{ remaining: 560 }])
    await clock.advance(61_000)
    expect(groups.groupFor('invented-1')).not.toBe(groups.groupFor('invented-39'))
    expect(Object.keys(groups.inspect()).length).toBeLessThanOrEqual(65)
  })

  it('forgets no group of invented names while anything stands on it, and of the others the one unused for longest', async () => {
    const clock = new VirtualClock()
    const groups = open({}, clock)
    const held = await leased(groups.groupFor('held').acquire(leaseRequestOf()))
    const told = groups.groupFor('told')
    const answered = await leased(told.acquire(leaseRequestOf()))
    answered.heard({
      requests: { limit: 9, remaining: 0, resetMs: 600_000 },
      tokens: null,
      concurrency: null,
    })
    answered.releaseUnserved()
    const [busy, used] = [groups.groupFor('held'), groups.groupFor('used')]
    await clock.advance(120_000)
    for (let i = 0; i < 100; i++) {
      groups.groupFor(`invented-${i}`)
      groups.groupFor('used')
    }
    expect([groups.groupFor('held'), groups.groupFor('told'), groups.groupFor('used')]).toEqual([
      busy,
      told,
      used,
    ])
    expect(Object.keys(groups.inspect())).toHaveLength(32)
    held.release()
  })

  it('puts a switched order into groups that come later, too', () => {
    const groups = open()
    groups.groupFor('a')
    groups.setOrder('first-come')
    groups.groupFor('b')
    expect(Object.values(groups.inspect()).map(({ order }) => order)).toEqual(['first-come', 'first-come'])
  })
})
