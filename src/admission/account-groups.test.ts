import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { AccountGroups } from './account-groups.ts'
import { type GroupSettings, toGroupPlan } from './group-plan.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import type { QuotaGroup } from './quota-group.ts'
import { leased } from './small-group.ts'

function open(settings: Partial<GroupSettings> = {}): AccountGroups {
  const plan = toGroupPlan({
    per: 'model',
    concurrency: { default: null, byModel: { 'glm-5.3': 1 } },
    ...settings,
  })
  return new AccountGroups('glm/main', plan, new VirtualClock(), () => 0.5)
}

async function use(group: QuotaGroup, tokens: number): Promise<void> {
  const lease = await leased(group.acquire(leaseRequestOf({ inputTokens: tokens, outputTokensMax: 0 })))
  lease.release({ inputTokens: tokens, outputTokens: 0 })
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
    const groups = open({ rates: counted })
    await use(groups.groupFor('glm-5.2'), 300)
    for (let i = 0; i < 200; i++) groups.groupFor(`invented-${i}`)
    await use(groups.groupFor('glm-5.2'), 200)
    const again = open({ rates: counted })
    again.restore(new Map(JSON.parse(JSON.stringify([...groups.snapshot()]))))
    expect(again.groupFor('glm-5.2').day.snapshot()).toEqual({ day: 0, tokens: 500 })
    await expect(use(again.groupFor('glm-5.2'), 501)).rejects.toThrow('would be about')
    await use(again.groupFor('glm-5.2'), 500)
  })

  it('puts a switched order into groups that come later, too', () => {
    const groups = open()
    groups.groupFor('a')
    groups.setOrder('first-come')
    groups.groupFor('b')
    expect(Object.values(groups.inspect()).map(({ order }) => order)).toEqual(['first-come', 'first-come'])
  })
})
