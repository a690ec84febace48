import { describe, expect, it } from 'vitest'
import type { LeaseRequest } from './lease.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import { leased, openSmallGroup } from './small-group.ts'

const twoSlots = { ceiling: { start: 2, max: 2, probeMs: 30_000, watchFirstToken: false } }

describe('a group as operators see it', () => {
  it('sets what each may have beside what each had, among those who wait or run', async () => {
    const { clock, group } = openSmallGroup(twoSlots)
    const ask = (more: Partial<LeaseRequest>) => leased(group.acquire(leaseRequestOf(more)))
    const gone = await ask({ principal: 'gone' })
    await clock.advance(600)
    gone.release()
    const heavy = await ask({ principal: 'heavy', principalWeight: 3 })
    const light = await ask({ principal: 'light', principalWeight: 1 })
    const partOf = (name: string) => group.inspect().principals.find((each) => each.name === name)
    // Nobody of those who are there has had anything yet.
    expect(partOf('heavy')).toMatchObject({ weight: 3, held: 1, entitlement: 0.75, share: 0 })
    expect(partOf('light')).toMatchObject({ entitlement: 0.25 })
    expect(partOf('gone')).toMatchObject({ held: 0, waiting: 0, served: 600, entitlement: 0, share: 0 })
    await clock.advance(1000)
    heavy.release()
    const again = await ask({ principal: 'heavy', principalWeight: 3 })
    await clock.advance(3000)
    light.release()
    const waiting = await ask({ principal: 'light' })
    // Heavy had one of 1,000, three seconds ago, and holds another; light had one of 4,000.
    expect([partOf('heavy')?.served, partOf('light')?.served]).toEqual([1000, 4000])
    const ofHeavy = 1000 * 2 ** (-3 / 60)
    expect(partOf('heavy')?.share).toBeCloseTo(ofHeavy / (ofHeavy + 4000), 6)
    expect(partOf('light')?.share).toBeCloseTo(4000 / (ofHeavy + 4000), 6)
    expect(partOf('gone')).toMatchObject({ entitlement: 0, share: 0 })
    expect(partOf('light')?.clients).toMatchObject([{ name: 'w1', held: 1 }])
    for (const lease of [again, waiting]) lease.release()
  })

  it('says of who was alone for an hour and of who comes then what they had of late', async () => {
    const { clock, group } = openSmallGroup(twoSlots)
    const takeTurns = async (names: readonly string[], minutes: number): Promise<void> => {
      for (let minute = 0; minute < minutes; minute++) {
        const leases = await Promise.all(
          names.map((principal) => leased(group.acquire(leaseRequestOf({ principal })))),
        )
        await clock.advance(60_000)
        for (const lease of leases) lease.release()
      }
    }
    await takeTurns(['old'], 60)
    await takeTurns(['old', 'new'], 10)
    const held = await Promise.all(
      ['old', 'new'].map((principal) => leased(group.acquire(leaseRequestOf({ principal })))),
    )
    const [old, newcomer] = group.inspect().principals
    expect(old?.served).toBe(70 * 60_000)
    expect(newcomer).toMatchObject({ name: 'new', served: 600_000, entitlement: 0.5 })
    expect(newcomer?.share).toBeGreaterThan(0.49)
    expect(old?.share).toBeLessThan(0.51)
    for (const lease of held) lease.release()
  })

  it('counts as overdue whoever holds a slot more than five seconds beyond its deadline', async () => {
    const { clock, group } = openSmallGroup(twoSlots)
    const late = await leased(group.acquire(leaseRequestOf({ deadlineAt: 1000 })))
    const early = await leased(group.acquire(leaseRequestOf({ client: 'w2', deadlineAt: 60_000 })))
    await clock.advance(6000)
    expect(group.inspect().overdue).toBe(0)
    await clock.advance(1)
    expect(group.inspect().overdue).toBe(1)
    late.release()
    early.release()
    expect(group.inspect().overdue).toBe(0)
  })

  it('says of one who only waits what it may have', async () => {
    const { group } = openSmallGroup()
    const held = await leased(group.acquire(leaseRequestOf({ principal: 'holds' })))
    const waits = group.acquire(leaseRequestOf({ principal: 'waits' }))
    expect(group.inspect().principals).toMatchObject([
      { name: 'holds', held: 1, waiting: 0, entitlement: 0.5 },
      { name: 'waits', held: 0, waiting: 1, entitlement: 0.5 },
    ])
    held.release()
    ;(await leased(waits)).release()
  })
})
