import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { AccountGroups } from './account-groups.ts'
import { toGroupPlan } from './group-plan.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import { leased, openSmallGroup } from './small-group.ts'

const job = { inputTokens: 100, outputTokensMax: 100 }
const none = { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null, refundsTokens: true }

describe('a job that came now', () => {
  it('is kept by nothing but slots where nothing is counted', async () => {
    const { group } = openSmallGroup()
    const lease = await leased(group.acquire(leaseRequestOf()))
    const waits = group.acquire(leaseRequestOf())
    expect(group.holdBackMs(job)).toBe(0)
    lease.release()
    void (await leased(waits)).release()
  })

  it('is kept by the requests of the minute, behind all that wait for them', async () => {
    const { clock, group } = openSmallGroup({
      rates: { ...none, requestsPerMinute: 6 },
      ceiling: { start: 4, max: 4, probeMs: 30_000, watchFirstToken: false },
      waitMsMax: 60_000,
    })
    expect(group.holdBackMs(job)).toBe(0)
    const first = await leased(group.acquire(leaseRequestOf()))
    expect(group.holdBackMs(job)).toBe(10_000)
    const second = group.acquire(leaseRequestOf())
    expect(group.holdBackMs(job)).toBe(20_000)
    await clock.advance(10_000)
    for (const each of [first, await leased(second)]) each.release()
  })

  it('is kept by tokens, its own or those of the larger one before it, and for ever where it never fits', async () => {
    const { clock, group } = openSmallGroup({
      rates: { ...none, tokensPerMinute: 1_000 },
      ceiling: { start: 4, max: 4, probeMs: 30_000, watchFirstToken: false },
      waitMsMax: 90_000,
    })
    const most = { inputTokens: 900, outputTokensMax: 0 }
    const first = await leased(group.acquire(leaseRequestOf({ inputTokens: 500, outputTokensMax: 0 })))
    expect(group.holdBackMs(job)).toBe(0)
    expect(group.holdBackMs(most)).toBe(61_000)
    const large = group.acquire(leaseRequestOf(most))
    expect(group.holdBackMs(job)).toBe(61_000)
    expect(group.holdBackMs({ inputTokens: 1_001, outputTokensMax: 0 })).toBe(Number.POSITIVE_INFINITY)
    await clock.advance(61_000)
    for (const each of [first, await leased(large)]) each.release()
  })

  it('is kept by what the vendor has said, and by the pause after it was refused', async () => {
    const { clock, group } = openSmallGroup()
    const lease = await leased(group.acquire(leaseRequestOf()))
    lease.heard({
      requests: { limit: 60, remaining: 0, resetMs: 3_000 },
      tokens: null,
      concurrency: null,
    })
    expect(group.holdBackMs(job)).toBe(3_000)
    await clock.advance(3_000)
    expect(group.holdBackMs(job)).toBe(0)
    const again = lease.refusedByVendor()
    // Three quarters of 250 ms.
    expect(group.holdBackMs(job)).toBe(187.5)
    await clock.advance(188)
    void (await leased(again)).release()
  })

  it('is kept by a further request of a job that runs, and by jobs of another model that stand before the same rates', async () => {
    const clock = new VirtualClock()
    const rates = { ...none, requestsPerMinute: 60 }
    const plan = toGroupPlan({ per: 'model', concurrency: { default: 20, byModel: {} }, rates })
    const groups = new AccountGroups('glm/main', plan, clock, () => 0.5)
    const [one, other] = [groups.groupFor('one'), groups.groupFor('other')]
    const signal = new AbortController().signal
    const leases = [await leased(one.acquire(leaseRequestOf()))]
    const burst = Array.from({ length: 6 }, () => one.acquire(leaseRequestOf()))
    // Six at once, one a second from then on; the seventh waits.
    expect(other.holdBackMs(job)).toBe(2_000)
    await clock.advance(1_000)
    for (const each of burst) leases.push(await leased(each))
    const [lease] = leases
    const further = lease?.another({ outputTokensMax: 0, untilAt: () => 60_000, signal })
    expect(one.holdBackMs(job)).toBe(2_000)
    expect(other.holdBackMs(job)).toBe(2_000)
    await clock.advance(1_000)
    expect(await further).toBeNull()
    for (const each of leases) each.release()
  })

  it('is kept no longer than the minute says where nobody waits, and by the tokens of all where somebody does', async () => {
    for (const [costs, queueMs] of [
      ['tokens', 2 * 200 * 60],
      ['slot-time', 200 * 60],
    ] as const) {
      const { clock, group } = openSmallGroup({
        costs,
        rates: { ...none, tokensPerMinute: 1_000 },
        ceiling: { start: 4, max: 4, probeMs: 30_000, watchFirstToken: false },
        waitMsMax: 90_000,
      })
      const some = (inputTokens: number) => ({ inputTokens, outputTokensMax: 0 })
      const leases = [await leased(group.acquire(leaseRequestOf(some(500))))]
      await clock.advance(59_000)
      leases.push(await leased(group.acquire(leaseRequestOf(some(500)))))
      // What was taken in the first second is free again in two.
      expect(group.holdBackMs(some(200))).toBe(2_000)
      const waits = group.acquire(leaseRequestOf(some(200)))
      expect(group.holdBackMs(some(200))).toBe(queueMs)
      await clock.advance(2_000)
      for (const each of [...leases, await leased(waits)]) each.release()
    }
  })

  it('is kept by a further request of its own group alone, also where there is room for it beside that', async () => {
    const signal = new AbortController().signal
    const { clock, group } = openSmallGroup({
      rates: { ...none, requestsPerMinute: 60 },
      ceiling: { start: 9, max: 9, probeMs: 30_000, watchFirstToken: false },
      queue: { clientJobsMax: 9, clientBytesMax: 1e6, principalJobsMax: 9, jobsMax: 9, forgetAfterMs: 1e6 },
    })
    const leases = await Promise.all(Array.from({ length: 6 }, () => leased(group.acquire(leaseRequestOf()))))
    expect(group.holdBackMs(job)).toBe(1_000)
    const again = leases[0]?.another({ outputTokensMax: 0, untilAt: () => 60_000, signal })
    expect(group.holdBackMs(job)).toBe(2_000)
    await clock.advance(1_000)
    expect(await again).toBeNull()
    for (const each of leases) each.release()

    const { clock: time, group: other } = openSmallGroup({ rates: { ...none, tokensPerMinute: 1_000 } })
    const lease = await leased(other.acquire(leaseRequestOf({ inputTokens: 600, outputTokensMax: 0 })))
    expect(other.holdBackMs({ inputTokens: 10, outputTokensMax: 0 })).toBe(0)
    const large = lease.another({ outputTokensMax: 300, untilAt: () => 90_000, signal })
    expect(other.holdBackMs({ inputTokens: 10, outputTokensMax: 0 })).toBeGreaterThan(0)
    await time.advance(61_000)
    expect(await large).toBeNull()
    lease.release()
  })
})

describe('the place of a job that waits', () => {
  it('is told without what runs to its end where a slot is free and only the rates keep it', async () => {
    const { clock, group } = openSmallGroup({
      rates: { ...none, requestsPerMinute: 6 },
      ceiling: { start: 4, max: 4, probeMs: 30_000, watchFirstToken: false },
      waitMsMax: 60_000,
    })
    const first = await leased(group.acquire(leaseRequestOf()))
    await clock.advance(100_000)
    first.release()
    const places: (number | null)[] = []
    const running = await leased(group.acquire(leaseRequestOf()))
    const waits = group.acquire(
      leaseRequestOf({ onPlace: ({ expectedWaitMs }) => places.push(expectedWaitMs) }),
    )
    // What runs may take 100 s more, for which no job has to wait.
    expect(places).toEqual([10_000])
    await clock.advance(10_000)
    for (const each of [running, await leased(waits)]) each.release()
  })
})
