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

  it('keeps the daily count through a restart, and when its groups are forgotten', async () => {
    const clock = new VirtualClock()
    const groups = open({ rates: counted }, clock)
    await use(groups.groupFor('glm-5.2'), 300)
    await clock.advance(61_000)
    for (let i = 0; i < 200; i++) await use(groups.groupFor(`another-${i}`), 1)
    expect(groups.inspect()).not.toHaveProperty('glm/main glm-5.2')
    await clock.advance(61_000)
    await use(groups.groupFor('glm-5.2'), 200)
    const again = open({ rates: counted })
    again.restore(JSON.parse(JSON.stringify(groups.snapshot())))
    expect(again.snapshot()).toEqual({ day: 0, tokens: 700 })
    const later = new VirtualClock()
    await later.advance(2 * 86_400_000)
    const dayAfter = open({ rates: counted }, later)
    dayAfter.restore(groups.snapshot())
    expect(dayAfter.snapshot()).toEqual({ day: 2, tokens: 0 })
    await expect(use(again.groupFor('glm-5.2'), 301)).rejects.toThrow('would be about')
    await use(again.groupFor('glm-5.2'), 300)
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
    const groups = open({ rates: { ...counted, tokensPerDay: null, requestsPerMinute: 6000 } }, clock)
    for (let i = 0; i < 64; i++) await use(groups.groupFor(`real-${i}`), 1)
    for (let i = 0; i < 40; i++) await fail(groups.groupFor(`invented-${i}`))
    expect(Object.keys(groups.inspect())).toHaveLength(65)
    expect(groups.groupFor('invented-1')).toBe(groups.groupFor('invented-39'))
    expect(groups.inspect()['glm/main other models']?.rates).toMatchObject([{ remaining: 5896 }])
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
    // Each the very one, and not one that looks like it.
    for (const [name, group] of Object.entries({ held: busy, told, used }))
      expect(groups.groupFor(name)).toBe(group)
    expect(Object.keys(groups.inspect())).toHaveLength(32)
    held.release()
  })

  it('forgets names under which nobody was served before any model that answers, also where there are few of them', async () => {
    const clock = new VirtualClock()
    const groups = open({}, clock)
    for (let i = 0; i < 40; i++) await use(groups.groupFor(`real-${i}`), 1)
    await clock.advance(120_000)
    const first = groups.groupFor('real-0')
    for (let i = 1; i < 40; i++) groups.groupFor(`real-${i}`)
    for (let i = 0; i < 50; i++) groups.groupFor(`invented-${i}`)
    expect(groups.groupFor('real-0')).toBe(first)
    expect(Object.keys(groups.inspect())).toHaveLength(64)
  })

  it('puts a switched order into groups that come later, too', () => {
    const groups = open()
    groups.groupFor('a')
    groups.setOrder('first-come')
    groups.groupFor('b')
    expect(Object.values(groups.inspect()).map(({ order }) => order)).toEqual(['first-come', 'first-come'])
  })

  it('says how much of the account is taken: what runs and what waits, in all groups', async () => {
    const groups = open()
    expect(groups.load).toBe(0)
    const one = groups.groupFor('glm-5.3')
    const running = await leased(one.acquire(leaseRequestOf()))
    const waits = one.acquire(leaseRequestOf())
    const other = await leased(groups.groupFor('glm-5.2').acquire(leaseRequestOf()))
    expect(groups.load).toBe(3)
    running.release()
    ;(await leased(waits)).release()
    other.release()
    expect(groups.load).toBe(0)
  })

  it('gives a key another share in every group at once, and keeps the fair order unless it is told another', async () => {
    const groups = open()
    const leases = await Promise.all(
      ['glm-5.2', 'glm-5.3'].map((model) => leased(groups.groupFor(model).acquire(leaseRequestOf()))),
    )
    groups.setWeight('anna', 5)
    const facts = Object.values(groups.inspect())
    expect(facts.map(({ order }) => order)).toEqual(['fair', 'fair'])
    expect(facts.map(({ principals }) => principals[0]?.weight)).toEqual([5, 5])
    for (const lease of leases) lease.release()
  })

  it('tells whoever keeps the counts of the day of each change', async () => {
    const groups = open({ rates: counted })
    let changes = 0
    await use(groups.groupFor('glm-5.2'), 100)
    groups.watchDayCounts(() => changes++)
    await use(groups.groupFor('glm-5.2'), 100)
    await use(groups.groupFor('glm-5.3'), 100)
    expect(changes).toBe(2)
    expect(groups.snapshot()).toEqual({ day: 0, tokens: 300 })
  })

  it('forgets no group in which jobs run or wait, and lets names that find no place share one', async () => {
    const groups = open()
    const busy = groups.groupFor('glm-5.3')
    const running = await leased(busy.acquire(leaseRequestOf()))
    const waits = busy.acquire(leaseRequestOf())
    for (let i = 0; i < 64; i++) groups.groupFor(`invented-${i}`)
    expect(groups.groupFor('glm-5.3')).toBe(busy)
    expect(groups.inspect()).not.toHaveProperty('glm/main other models')
    const controller = new AbortController()
    const { signal } = controller
    const held = Array.from({ length: 70 }, (_, i) =>
      groups.groupFor(`held-${i}`).acquire(leaseRequestOf({ signal })),
    )
    expect(groups.groupFor('held-69')).toBe(groups.groupFor('held-68'))
    expect(groups.inspect()).toHaveProperty('glm/main other models')
    // Whoever has a group of its own keeps it, full or not.
    expect(groups.groupFor('glm-5.3')).toBe(busy)
    expect(Object.keys(groups.inspect()).length).toBeLessThanOrEqual(65)
    running.release()
    ;(await leased(waits)).release()
    controller.abort()
    for (const answer of held)
      await leased(answer).then(
        (lease) => lease.release(),
        () => undefined,
      )
    expect(groups.load).toBe(0)
  })
})
