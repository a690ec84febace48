// A job whose payer leaves while somebody else waits for its answer: it goes on as the other's.

import { describe, expect, it } from 'vitest'
import type { LeaseRequest } from './lease.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import type { QuotaGroup } from './quota-group.ts'
import { leased, openSmallGroup } from './small-group.ts'

const open = () => openSmallGroup({ waitMsMax: 60_000 })

function ask(group: QuotaGroup, principal: string, deadlineAt: () => number = () => 240_000) {
  const order: LeaseRequest = {
    ...leaseRequestOf({ principal }),
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
})
