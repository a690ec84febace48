import { describe, expect, it } from 'vitest'
import { isRefusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { toGroupPlan } from './group-plan.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import { QuotaGroup } from './quota-group.ts'
import { leased, openSmallGroup } from './small-group.ts'

describe('a turn', () => {
  it('is not lost: a large job in turn is not passed by small ones that would fit', async () => {
    const clock = new VirtualClock()
    const plan = toGroupPlan({
      per: 'account',
      concurrency: { default: 8, byModel: {} },
      rates: { requestsPerMinute: null, tokensPerMinute: 150, tokensPerDay: null, refundsTokens: false },
    })
    const group = new QuotaGroup({ ...plan.group(''), name: 'kimi', clock, random: () => 0.5 })
    const startedAt: Record<string, number> = {}
    const ask = (client: string, tokens: number): void => {
      const answer = group.acquire({
        principal: 'local',
        client,
        class: 'interactive',
        inputTokens: tokens,
        outputTokensMax: 0,
        bytes: 1,
        deadlineAt: Number.POSITIVE_INFINITY,
        signal: new AbortController().signal,
        onPlace: () => undefined,
      })
      void answer.then((lease) => {
        if (isRefusal(lease)) throw new Error(lease.message)
        startedAt[client] ??= clock.now()
        lease.release()
      })
    }
    ask('first', 100)
    await clock.advance(1)
    ask('large', 140)
    // Somebody small comes every second, and would fit at once each time.
    for (let second = 0; second < 60; second++) {
      ask(`small ${second}`, 1)
      await clock.advance(1000)
    }
    expect(startedAt).toEqual({ first: 0 })
    await clock.advance(1000)
    expect(startedAt.large).toBeLessThanOrEqual(61_000)
    expect(startedAt['small 0']).toBe(startedAt.large)
    await clock.advance(130_000)
    expect(group.inspect()).toMatchObject({ held: 0, waiting: 0 })
  })
})

describe('a refusal for concurrency', () => {
  it.each([0, 0.5, 1])(
    'lets nothing start for a half to the whole of the pause, as the dice say: %s',
    async (dice) => {
      const { clock, group } = openSmallGroup({
        ceiling: { start: 2, max: 2, probeMs: 30_000, watchFirstToken: false },
        random: () => dice,
      })
      const first = await leased(group.acquire(leaseRequestOf()))
      let startedAt: number | null = null
      void first.refusedByVendor().then((lease) => {
        if (isRefusal(lease)) throw new Error(lease.message)
        startedAt = clock.now()
        lease.release()
      })
      // The first refusal asks for 250 ms.
      const pauseMs = 125 + 125 * dice
      await clock.advance(pauseMs - 0.5)
      expect(startedAt).toBeNull()
      await clock.advance(0.5)
      expect(startedAt).toBe(pauseMs)
      await clock.advance(60_000)
      expect(group.inspect()).toMatchObject({ held: 0, waiting: 0 })
    },
  )

  it('asks for a longer pause each time, and for the first one again once a job has succeeded', async () => {
    const { clock, group } = openSmallGroup({
      ceiling: { start: 2, max: 2, probeMs: 30_000, watchFirstToken: false },
      random: () => 1,
    })
    const pauses: number[] = []
    let lease = await leased(group.acquire(leaseRequestOf()))
    for (const isServed of [false, true, false]) {
      const refusedAt = clock.now()
      const again = lease.refusedByVendor().then((answer) => {
        pauses.push(clock.now() - refusedAt)
        return answer
      })
      await clock.advance(2000)
      lease = await leased(again)
      if (!isServed) continue
      lease.release()
      lease = await leased(group.acquire(leaseRequestOf()))
    }
    lease.release()
    expect(pauses).toEqual([250, 500, 250])
  })
})

describe('a pause', () => {
  it('is not cut short by a later refusal that asks for a shorter one', async () => {
    let dice = 1
    const { clock, group } = openSmallGroup({
      ceiling: { start: 5, max: 5, probeMs: 30_000, watchFirstToken: false },
      random: () => dice,
    })
    const [first, second, third] = [
      await leased(group.acquire(leaseRequestOf())),
      await leased(group.acquire(leaseRequestOf())),
      await leased(group.acquire(leaseRequestOf())),
    ]
    const waits = [first.refusedByVendor()]
    // What succeeds makes the next pause as short as the first.
    second.release()
    dice = 0
    waits.push(third.refusedByVendor())
    await clock.advance(249)
    expect(group.inFlight).toBe(0)
    await clock.advance(1)
    for (const again of waits) (await leased(again)).release()
    expect(group.inFlight).toBe(0)
  })
})

describe('a ceiling that is reached', () => {
  it('lets one more go when it has held for long enough without a refusal', async () => {
    const { clock, group } = openSmallGroup({
      ceiling: { start: 1, max: 10, probeMs: 1000, watchFirstToken: false },
    })
    const first = await leased(group.acquire(leaseRequestOf()))
    const second = group.acquire(leaseRequestOf())
    await clock.advance(999)
    expect(group.inspect()).toMatchObject({ capacity: 1, held: 1, waiting: 1 })
    await clock.advance(1)
    expect(group.inspect()).toMatchObject({ capacity: 2, held: 2, waiting: 0 })
    for (const lease of [first, await leased(second)]) lease.release()
  })
})
