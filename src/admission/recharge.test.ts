// A job whose payer leaves while somebody else waits for its answer: it goes on as the other's.

import { describe, expect, it } from 'vitest'
import type { Refusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { AccountGroups } from './account-groups.ts'
import { toGroupPlan } from './group-plan.ts'
import type { Lease, LeaseRequest } from './lease.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import type { JobClass } from './queue-tree.ts'
import type { QuotaGroup } from './quota-group.ts'
import { leased, openSmallGroup } from './small-group.ts'

const open = ({ clientJobsMax = 2, slots = 1 } = {}) =>
  openSmallGroup({
    ceiling: { start: slots, max: slots, probeMs: 30_000, watchFirstToken: false },
    queue: {
      clientJobsMax,
      clientBytesMax: 1000,
      principalJobsMax: 10,
      jobsMax: 6,
      forgetAfterMs: 60_000,
    },
    waitMsMax: 60_000,
  })

function ask(
  group: QuotaGroup,
  principal: string,
  deadlineAt: () => number = () => 240_000,
  jobClass: () => JobClass = () => 'interactive',
) {
  const order: LeaseRequest = {
    ...leaseRequestOf({ principal }),
    get class() {
      return jobClass()
    },
    get deadlineAt() {
      return deadlineAt()
    },
  }
  return { order, answer: group.acquire(order) }
}

const of = (group: QuotaGroup, name: string) =>
  group.inspect().principals.find((principal) => principal.name === name)

describe('a job that is charged to another', () => {
  it('waits in that one’s lane, at its old place of arrival, and by that one’s weight', async () => {
    const { clock, group } = open()
    const first = await leased(ask(group, 'carl').answer)
    const shared = ask(group, 'anna')
    const own = ask(group, 'bert')
    group.recharge(shared.order, { principal: 'bert', client: 'w1', principalWeight: 4 })
    expect(of(group, 'anna')).toMatchObject({ waiting: 0 })
    expect(of(group, 'bert')).toMatchObject({ waiting: 2, weight: 4 })
    await clock.advance(1000)
    first.release()
    const lease = await leased(shared.answer)
    expect(of(group, 'bert')).toMatchObject({ held: 1, waiting: 1 })
    lease.release()
    ;(await leased(own.answer)).release()
    expect(group.inspect()).toMatchObject({ held: 0, waiting: 0, overdue: 0 })
  })

  it('while it runs takes its whole charge along: who left owes nothing, who inherits pays', async () => {
    const { clock, group } = open()
    const shared = ask(group, 'anna')
    const lease = await leased(shared.answer)
    await clock.advance(5_000)
    group.recharge(shared.order, { principal: 'bert', client: 'w1' })
    expect(of(group, 'anna')).toMatchObject({ held: 0, virtualTime: 0 })
    expect(of(group, 'bert')).toMatchObject({ held: 1, virtualTime: 1_000 })
    const [heir, other] = [ask(group, 'bert'), ask(group, 'anna')]
    await clock.advance(5_000)
    lease.release()
    expect(of(group, 'anna')).toMatchObject({ served: 0 })
    expect(of(group, 'bert')).toMatchObject({ served: 10_000, virtualTime: 10_000 })
    ;(await leased(other.answer)).release()
    ;(await leased(heir.answer)).release()
    group.recharge(shared.order, { principal: 'dora', client: 'w1' })
    expect(of(group, 'dora')).toBeUndefined()
    await clock.advance(1)
    expect(clock.pendingTimers).toBe(0)
  })

  it('takes along what it had of the rates that several models share, before it runs and while it does', async () => {
    const clock = new VirtualClock()
    const plan = toGroupPlan({
      per: 'model',
      concurrency: { default: 50, byModel: {} },
      rates: { requestsPerMinute: 60, tokensPerMinute: null, tokensPerDay: null, refundsTokens: true },
      waitMsMax: 1e9,
    })
    const groups = new AccountGroups('glm/main', plan, clock, () => 0.5)
    const heir = { principal: 'heir', client: 'w1' }
    const started = { asked: 0, own: 0 }
    const held: Lease[] = []
    const begin = (name: keyof typeof started, model: string): LeaseRequest => {
      const order = leaseRequestOf({ principal: 'anna', client: 'w1', deadlineAt: Number.POSITIVE_INFINITY })
      void leased(groups.groupFor(model).acquire(order)).then((lease) => {
        started[name]++
        held.push(lease)
      })
      return order
    }
    const timeOf = (name: string) =>
      groups.inspect()['glm/main glm-5.2']?.principals.find((each) => each.name === name)?.ratesTime
    const running = Array.from({ length: 6 }, () => begin('asked', 'glm-5.2'))
    await clock.advance(0)
    expect(started.asked).toBe(6)
    expect(timeOf('anna')).toBe(6000)
    for (const order of running) groups.groupFor('glm-5.2').recharge(order, heir)
    expect([timeOf('anna'), timeOf('heir')]).toEqual([0, 6000])
    for (const lease of held.splice(0)) {
      lease.anotherRequest()
      lease.release()
    }
    expect([timeOf('anna'), timeOf('heir')]).toEqual([0, 12_000])
    // What waits is the heir's too: who left has all that it asked for itself.
    for (let n = 0; n < 20; n++) groups.groupFor('glm-5.2').recharge(begin('asked', 'glm-5.2'), heir)
    for (let n = 0; n < 20; n++) begin('own', 'glm-4.7')
    await clock.advance(26_000)
    expect(started.own).toBeGreaterThanOrEqual(started.asked - 6)
    for (const lease of held) lease.release()
  })

  it('waits as long as the one with the most time wants, and no longer', async () => {
    const { clock, group } = open()
    const lease = await leased(ask(group, 'carl').answer)
    let deadlineAt = 10_000
    const shared = ask(group, 'anna', () => deadlineAt)
    await clock.advance(9_000)
    deadlineAt = 30_000
    await clock.advance(20_000)
    expect(group.waiting).toBe(1)
    await clock.advance(2_000)
    expect(await shared.answer).toMatchObject({ reason: 'would-miss-deadline' })
    expect(group.waiting).toBe(0)
    lease.release()
  })

  it('goes to the lane of its class when somebody begins to look on, and its client stands where it stood', async () => {
    const { clock, group } = open({ clientJobsMax: 10 })
    const first = await leased(ask(group, 'carl').answer)
    let jobClass: JobClass = 'batch'
    const inBackground = () =>
      ask(
        group,
        'anna',
        () => 240_000,
        () => jobClass,
      )
    const [earlier, shared] = [inBackground(), inBackground()]
    const order: string[] = []
    const ended = (name: string, answer: Promise<Lease | Refusal>) =>
      leased(answer).then((lease) => {
        order.push(name)
        clock.after(1000, () => lease.release())
      })
    const all = [ended('earlier', earlier.answer), ended('shared', shared.answer)]
    for (const name of ['live 1', 'live 2', 'live 3']) all.push(ended(name, ask(group, 'anna').answer))
    const before = of(group, 'anna')
    jobClass = 'interactive'
    group.recharge(shared.order, { principal: 'anna', client: 'w1' })
    expect(of(group, 'anna')).toEqual(before)
    await clock.advance(1000)
    first.release()
    await clock.advance(10_000)
    await Promise.all(all)
    // In the background the second job would be the last; among those that are looked on it came first.
    expect(order).toEqual(['earlier', 'shared', 'live 1', 'live 2', 'live 3'])
  })

  it('in another class while it runs is charged no more for it', async () => {
    const { clock, group } = open({ slots: 2 })
    let jobClass: JobClass = 'batch'
    const shared = ask(
      group,
      'anna',
      () => 240_000,
      () => jobClass,
    )
    const lease = await leased(shared.answer)
    // Meanwhile somebody else is served: who came now would stand higher.
    const other = await leased(ask(group, 'bert').answer)
    await clock.advance(5_000)
    other.release()
    const before = of(group, 'anna')
    expect(before).toMatchObject({ held: 1, virtualTime: 1_000 })
    jobClass = 'interactive'
    group.recharge(shared.order, { principal: 'anna', client: 'w1' })
    expect(of(group, 'anna')).toEqual(before)
    lease.release()
    expect(group.inspect()).toMatchObject({ held: 0, waiting: 0, overdue: 0 })
  })
})
