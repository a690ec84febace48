import { describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { VirtualClock } from '../lib/virtual-clock.ts'
import type { Lease, LeaseRequest } from './lease.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import type { QueuePlace } from './queue-place.ts'
import type { QuotaGroup } from './quota-group.ts'
import { leased, openSmallGroup } from './small-group.ts'

function ask(group: QuotaGroup, client: string, over: Partial<LeaseRequest> = {}) {
  const controller = new AbortController()
  const places: QueuePlace[] = []
  const { signal } = controller
  const onPlace = (place: QueuePlace) => void places.push(place)
  const answer = group.acquire(leaseRequestOf({ principal: 'local', client, signal, onPlace, ...over }))
  return { controller, answer, places }
}

/** Five jobs of so long, one after the other: from then on the group is sure how long a job takes. */
async function seen(group: QuotaGroup, clock: VirtualClock, jobMs: number): Promise<void> {
  for (let n = 0; n < 5; n++) {
    const lease = await leased(ask(group, 'a').answer)
    await clock.advance(jobMs)
    lease.release()
  }
}

async function refusal(answer: Promise<Lease | Refusal>): Promise<Refusal> {
  const refused = await answer
  if (!isRefusal(refused)) throw new Error('it was not refused')
  return refused
}

describe('quota group', () => {
  it('takes clients in turn, tells each its place and who holds the slots, and leaves nothing behind', async () => {
    const { clock, group } = openSmallGroup()
    const first = await leased(ask(group, 'a').answer)
    const second = ask(group, 'a')
    const other = ask(group, 'b', { principal: 'somebody' })
    expect(second.places).toMatchObject([
      { position: 1, waiting: 1, holders: { own: 1, siblings: 0, others: 0 } },
    ])
    expect(other.places).toMatchObject([
      { position: 1, waiting: 2, holders: { own: 0, siblings: 0, others: 1 } },
    ])
    await clock.advance(1000)
    expect(second.places.at(-1)).toMatchObject({ position: 2, waiting: 2 })
    first.release()
    const third = await leased(other.answer)
    await clock.advance(1000)
    expect(second.places.at(-1)).toMatchObject({ position: 1, waiting: 1 })
    third.release()
    ;(await leased(second.answer)).release()
    expect(group.inspect()).toMatchObject({ held: 0, waiting: 0, overdue: 0 })
    await clock.advance(1)
    expect(clock.pendingTimers).toBe(0)
  })

  it('repeats the place of whoever waits every 10 seconds, and says how long it will be', async () => {
    const { clock, group } = openSmallGroup({ waitMsMax: 60_000 })
    const first = await leased(ask(group, 'a').answer)
    await clock.advance(4000)
    first.release()
    const second = await leased(ask(group, 'a').answer)
    const waiting = ask(group, 'b')
    expect(waiting.places).toMatchObject([{ position: 1, expectedWaitMs: 4000 }])
    await clock.advance(30_000)
    expect(waiting.places.length).toBeGreaterThanOrEqual(4)
    second.release()
    ;(await leased(waiting.answer)).release()
  })

  it('keeps the slot of a request that was cut until the vendor has had time to notice', async () => {
    const { clock, group } = openSmallGroup({ cutHoldMs: 100 })
    const cut = await leased(ask(group, 'a').answer)
    const next = ask(group, 'b').answer
    cut.releaseCut()
    cut.release()
    await clock.advance(99)
    expect(group.inspect()).toMatchObject({ capacity: 1, held: 1, waiting: 1 })
    await clock.advance(1)
    ;(await leased(next)).release()
    expect(group.inspect()).toMatchObject({ capacity: 1, held: 0, waiting: 0 })
    await clock.advance(1000)
    expect(clock.pendingTimers).toBe(0)
  })

  it('frees the place of one who cancels, at once', async () => {
    const { clock, group } = openSmallGroup()
    const first = await leased(ask(group, 'a').answer)
    const b = ask(group, 'b')
    const c = ask(group, 'c')
    b.controller.abort(new CallFailure('cancelled', { message: 'no longer wanted' }))
    await expect(b.answer).rejects.toMatchObject({ code: 'cancelled' })
    expect(group.waiting).toBe(1)
    first.release()
    ;(await leased(c.answer)).release()
    await clock.advance(1)
    expect(clock.pendingTimers).toBe(0)
  })

  it('refuses beyond a bound and says whose it was; a full queue drops the newest job of the most over its share', async () => {
    const { group } = openSmallGroup()
    const first = await leased(ask(group, 'a').answer)
    ask(group, 'a')
    const newest = ask(group, 'a')
    expect(await ask(group, 'a').answer).toMatchObject({ reason: 'queue-full', scope: 'client', limit: 2 })
    ask(group, 'b')
    const fits = ask(group, 'c', { principal: 'somebody' })
    expect(await newest.answer).toMatchObject({ reason: 'queue-full', scope: 'provider', limit: 3 })
    expect(fits.places).toMatchObject([{ waiting: 3 }])
    first.release()
    expect(group.inspect()).toMatchObject({ held: 1, waiting: 2 })
  })

  it('refuses at once what would wait beyond its deadline, and drops what has waited too long', async () => {
    const { clock, group } = openSmallGroup()
    await seen(group, clock, 8000)
    await leased(ask(group, 'a', { expectedMs: 48_000 }).answer)
    // A sixth of what its kind takes.
    const late = await refusal(ask(group, 'b', { deadlineAt: clock.now() + 7999 }).answer)
    expect(late).toMatchObject({ reason: 'would-miss-deadline', limit: 8, used: 48, retryAfterMs: 40_001 })
    expect(late.message).toBe(
      'glm/main is busy: the wait would be about 48 seconds, and this call may wait for 8. Call again in about 41 seconds, or ask for another model.',
    )
    const patient = ask(group, 'b', { deadlineAt: clock.now() + 8000 })
    await clock.advance(8000)
    expect((await refusal(patient.answer)).message).toContain(
      'within 8 seconds. Call again in about 40 seconds,',
    )
    expect(group.waiting).toBe(0)
  })

  it('says at least how long the wait would be where no job of the group has ended yet', async () => {
    const { clock, group } = openSmallGroup()
    await leased(ask(group, 'a', { expectedMs: 48_000 }).answer)
    const late = await refusal(ask(group, 'b', { deadlineAt: clock.now() + 5000 }).answer)
    expect(late).toMatchObject({ reason: 'would-miss-deadline', limit: 5, used: 8, retryAfterMs: 3000 })
  })

  it('refuses nothing for a job of which nobody knows what its kind takes, and drops what has waited too long', async () => {
    const { clock, group } = openSmallGroup()
    await seen(group, clock, 8000)
    await leased(ask(group, 'a').answer)
    const patient = ask(group, 'b')
    expect(patient.places).toMatchObject([{ expectedWaitMs: 8000 }])
    await clock.advance(10_000)
    expect(await patient.answer).toMatchObject({ reason: 'would-miss-deadline', limit: 10 })
    expect((await refusal(patient.answer)).message).toContain(
      'within 10 seconds. Call again in about 1 second,',
    )
    expect(group.waiting).toBe(0)
  })

  it('learns from an outage nothing about how long a job takes, and afterwards refuses nothing that fits', async () => {
    for (const end of ['releaseCut', 'releaseUnserved'] as const) {
      const { clock, group } = openSmallGroup()
      await seen(group, clock, 1000)
      for (let n = 0; n < 6; n++) {
        const lease = await leased(ask(group, 'a').answer)
        await clock.advance(60_000)
        lease[end]()
      }
      const first = await leased(ask(group, 'a').answer)
      const second = ask(group, 'b')
      expect(second.places).toMatchObject([{ expectedWaitMs: 1000 }])
      first.release()
      ;(await leased(second.answer)).release()
    }
  })

  it.each(['slot-time', 'tokens'] as const)(
    'lets short jobs wait behind the long one of another window, and tells them the probable time: %s',
    async (costs) => {
      const { clock, group } = openSmallGroup({
        costs,
        queue: { clientJobsMax: 9, clientBytesMax: 9000, principalJobsMax: 9, jobsMax: 9, forgetAfterMs: 1 },
        waitMsMax: 120_000,
      })
      for (const [chatMs, toldMs] of [
        [undefined, [20_000, 100_000, 180_000, 260_000]],
        [3000, [20_000, 23_000, 26_000, 29_000]],
      ] as const) {
        await seen(group, clock, 80_000)
        const review = await leased(ask(group, 'a', { expectedMs: 80_000 }).answer)
        await clock.advance(60_000)
        const chats = Array.from({ length: 4 }, () => ask(group, 'b', { expectedMs: chatMs }))
        expect(chats.map(({ places }) => places[0]?.expectedWaitMs)).toEqual(toldMs)
        await clock.advance(20_000)
        review.release()
        for (const { answer } of chats) (await leased(answer)).release()
      }
    },
  )

  it('refuses nothing for a forecast before it has seen five jobs', async () => {
    const { clock, group } = openSmallGroup()
    const first = await leased(ask(group, 'a').answer)
    await clock.advance(60_000)
    first.release()
    const second = await leased(ask(group, 'a').answer)
    const waiting = ask(group, 'b')
    expect(waiting.places).toMatchObject([{ expectedWaitMs: 60_000 }])
    second.release()
    ;(await leased(waiting.answer)).release()
  })

  it('says which bound was reached, by whose jobs, and when the next of them starts', async () => {
    const queue = {
      clientJobsMax: 2,
      clientBytesMax: 1000,
      principalJobsMax: 3,
      jobsMax: 4,
      forgetAfterMs: 60_000,
    }
    const { clock, group } = openSmallGroup({ queue, waitMsMax: 200_000 })
    const first = await leased(ask(group, 'a').answer)
    ask(group, 'b', { bytes: 1001 })
    expect((await refusal(ask(group, 'b', { bytes: 1002 }).answer)).message).toBe(
      '1001 bytes of jobs of your window already wait for glm/main (limit 1000). Call again when some of them are done.',
    )
    first.release()
    const { group: known, clock: time } = openSmallGroup({ queue, waitMsMax: 200_000 })
    await seen(known, time, 8000)
    await leased(ask(known, 'a').answer)
    await time.advance(3000)
    const newest = [ask(known, 'a'), ask(known, 'a')].at(-1)
    const full = await refusal(ask(known, 'a').answer)
    expect(full).toMatchObject({
      reason: 'queue-full',
      scope: 'client',
      limit: 2,
      used: 2,
      retryAfterMs: 5000,
    })
    expect(full.message).toBe(
      '2 jobs of your window already wait for glm/main (limit 2). The next of them starts in about 5 seconds; call again then.',
    )
    ask(known, 'b')
    ask(known, 'c')
    const dropped = await refusal(newest?.answer ?? Promise.reject(new Error('nobody')))
    expect(dropped).toMatchObject({ reason: 'queue-full', scope: 'principal', limit: 3, used: 3 })
    expect(dropped.message).toBe(
      '3 jobs of your key waited for glm/main (limit 3), and your window had more of them than anybody for its share, so its newest was dropped. The next of them starts in about 5 seconds; call again then.',
    )
    await clock.advance(1)
  })

  it('takes a job of any size that has nothing of its own before it, whether there is a slot or none', async () => {
    const { group } = openSmallGroup()
    const first = await leased(ask(group, 'a', { bytes: 50_000 }).answer)
    const second = ask(group, 'a', { bytes: 60_000 })
    const third = ask(group, 'b', { bytes: 1000 })
    expect(group.waiting).toBe(2)
    first.release()
    for (const each of [second, third]) (await leased(each.answer)).release()
  })

  it('puts a job the vendor refused for concurrency back in its place, and shows nobody an error', async () => {
    const { clock, group } = openSmallGroup({
      ceiling: { start: 3, max: 100, probeMs: 30_000, watchFirstToken: false },
      queue: { clientJobsMax: 9, clientBytesMax: 9000, principalJobsMax: 9, jobsMax: 9, forgetAfterMs: 1 },
    })
    const first = await leased(ask(group, 'a').answer)
    const second = await leased(ask(group, 'a').answer)
    const third = await leased(ask(group, 'a').answer)
    const fourth = ask(group, 'a')
    const again = third.refusedByVendor()
    expect(group.inspect()).toMatchObject({ capacity: 2, held: 2, waiting: 2 })
    first.release()
    await clock.advance(1000)
    const back = await leased(again)
    expect(group.inspect()).toMatchObject({ held: 2, waiting: 1 })
    second.release()
    back.release()
    ;(await leased(fourth.answer)).release()
    expect(group.inspect().held).toBe(0)
  })

  it('learns from a refusal as much where the job goes elsewhere: the ceiling falls, and nothing starts for a while', async () => {
    const { clock, group } = openSmallGroup({
      ceiling: { start: 3, max: 3, probeMs: 30_000, watchFirstToken: false },
    })
    const [first, second, third] = [
      await leased(group.acquire(leaseRequestOf())),
      await leased(group.acquire(leaseRequestOf())),
      await leased(group.acquire(leaseRequestOf())),
    ]
    third.releaseRefused()
    expect(group).toMatchObject({ capacity: 2, inFlight: 2, waiting: 0 })
    second.releaseRefused()
    expect(group).toMatchObject({ capacity: 1, inFlight: 1, waiting: 0 })
    first.releaseUnserved()
    // The pause has doubled: an answer ends it, and what failed is none. Three quarters of half a second.
    const waits = group.acquire(leaseRequestOf())
    await clock.advance(374)
    expect(group.inFlight).toBe(0)
    await clock.advance(1)
    expect(group.inFlight).toBe(1)
    void (await leased(waits)).release()
  })

  it('lets a job that the vendor sends back late wait anew, for as long as its own deadline allows', async () => {
    for (const [deadlineAt, isServed] of [
      [240_000, true],
      [12_000, false],
    ] as const) {
      const { clock, group } = openSmallGroup({
        ceiling: { start: 2, max: 2, probeMs: 30_000, watchFirstToken: false },
      })
      const first = await leased(ask(group, 'a').answer)
      const second = await leased(ask(group, 'a').answer)
      const late = ask(group, 'b', { deadlineAt })
      await clock.advance(9000)
      second.release()
      const again = (await leased(late.answer)).refusedByVendor()
      await clock.advance(6000)
      expect(group.waiting).toBe(isServed ? 1 : 0)
      first.release()
      await clock.advance(1000)
      const answer = await again
      expect(isRefusal(answer)).toBe(!isServed)
      if (!isRefusal(answer)) answer.release()
      expect(group.inspect()).toMatchObject({ held: 0, waiting: 0 })
    }
  })

  it('goes to no vendor for ever that sends a job back each time: it begins to wait anew once', async () => {
    const { clock, group } = openSmallGroup({
      ceiling: { start: 1, max: 100, probeMs: 30_000, watchFirstToken: false },
    })
    let answer: Lease | Refusal = await ask(group, 'a').answer
    for (let n = 0; n < 100 && !isRefusal(answer); n++) {
      const again = answer.refusedByVendor()
      await clock.advance(20_000)
      answer = await again
    }
    expect(answer).toMatchObject({ reason: 'would-miss-deadline' })
    expect(group.inspect()).toMatchObject({ held: 0, waiting: 0 })
  })

  it('starts nothing that the vendor would count as too much, and wakes by itself when it fits', async () => {
    const { clock, group } = openSmallGroup({
      ceiling: { start: 5, max: 5, probeMs: 30_000, watchFirstToken: false },
      rates: { requestsPerMinute: null, tokensPerMinute: 150, tokensPerDay: 250, refundsTokens: false },
      waitMsMax: 90_000,
    })
    ;(await leased(ask(group, 'a').answer)).release({ inputTokens: 10, outputTokens: 0 })
    const second = ask(group, 'a')
    await clock.advance(60_999)
    expect(group.waiting).toBe(1)
    await clock.advance(1)
    ;(await leased(second.answer)).release()
    expect(group.inspect().rates).toMatchObject([
      { unit: 'tokens a minute' },
      { unit: 'tokens a day', remaining: 50 },
    ])
    expect(await ask(group, 'a').answer).toMatchObject({ reason: 'would-miss-deadline' })
    expect(await ask(group, 'a', { inputTokens: 100 }).answer).toMatchObject({
      reason: 'too-large',
      limit: 150,
    })
  })

  it('refuses the job in turn when the day has no room for it, says when it will have, and lets those behind it start', async () => {
    const { clock, group } = openSmallGroup({
      rates: { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: 1000, refundsTokens: true },
      waitMsMax: 120_000,
    })
    const first = await leased(ask(group, 'a', { inputTokens: 400 }).answer)
    const large = ask(group, 'b', { inputTokens: 510 })
    const small = ask(group, 'c')
    const other = ask(group, 'd')
    await clock.advance(1000)
    // What runs may give back what the large one lacks.
    expect(group.waiting).toBe(3)
    first.release({ inputTokens: 400, outputTokens: 1 })
    const refused = await refusal(large.answer)
    // As one would be told that asks now.
    expect(refused).toMatchObject({
      reason: 'would-miss-deadline',
      dimension: 'tokens a day of glm/main',
      limit: 1000,
      used: 401,
      retryAfterMs: 86_399_000 - 119_000,
    })
    expect(refused.message).toMatch(
      /takes 1000 tokens a day, and 599 are left.* Call again in about 24 hours/,
    )
    ;(await leased(small.answer)).release()
    ;(await leased(other.answer)).release()
    expect(group.inspect()).toMatchObject({ held: 0, waiting: 0 })
    await clock.advance(1)
    expect(clock.pendingTimers).toBe(0)
  })

  it('refuses at once what the rates never let go, or not in time, though others are before it', async () => {
    const { group } = openSmallGroup({
      rates: { requestsPerMinute: null, tokensPerMinute: 150, tokensPerDay: null, refundsTokens: false },
      waitMsMax: 90_000,
    })
    const first = await leased(ask(group, 'a').answer)
    const second = ask(group, 'b', { outputTokensMax: 0 })
    expect(await ask(group, 'c', { inputTokens: 100 }).answer).toMatchObject({ reason: 'too-large' })
    expect(await ask(group, 'c', { deadlineAt: 10_000 }).answer).toMatchObject({
      reason: 'would-miss-deadline',
      dimension: 'tokens a minute of glm/main',
    })
    first.release()
    ;(await leased(second.answer)).release()
  })

  it('refuses nothing for a forecast that has only its rates to wait for, whose time is known', async () => {
    const { clock, group } = openSmallGroup({
      rates: { requestsPerMinute: null, tokensPerMinute: 1000, tokensPerDay: null, refundsTokens: false },
    })
    await seen(group, clock, 1000)
    await clock.advance(120_000)
    ;(await leased(ask(group, 'a', { inputTokens: 810 }).answer)).release()
    await clock.advance(60_000)
    // At the pace of a minute's tokens it would be 48 seconds; and yet nearly all of them are there in one.
    const next = ask(group, 'b', { inputTokens: 810, deadlineAt: clock.now() + 5000 })
    await clock.advance(1000)
    ;(await leased(next.answer)).release()
  })

  it('expects of those ahead what they take, not as much as the job that asks', async () => {
    const { clock, group } = openSmallGroup({
      ceiling: { start: 2, max: 2, probeMs: 30_000, watchFirstToken: false },
      rates: { requestsPerMinute: null, tokensPerMinute: 100_000, tokensPerDay: null, refundsTokens: true },
      queue: { clientJobsMax: 9, clientBytesMax: 9000, principalJobsMax: 9, jobsMax: 9, forgetAfterMs: 1 },
      costs: 'tokens',
      waitMsMax: 120_000,
    })
    await seen(group, clock, 1000)
    await clock.advance(120_000)
    const small = Array.from({ length: 8 }, (_, n) => ask(group, `w${n}`, { outputTokensMax: 990 }))
    const large = ask(group, 'large', { inputTokens: 50_000, outputTokensMax: 4000 })
    expect(large.places).toMatchObject([{ position: 7, expectedWaitMs: 4000 }])
    for (const { answer } of small) {
      const lease = await leased(answer)
      await clock.advance(500)
      lease.release()
    }
    const lease = await leased(large.answer)
    expect(lease.waitedMs).toBe(3500)
    lease.release()
  })

  it('tells who waits for the reset that the vendor named how long that is, before any job has ended too', async () => {
    const { clock, group } = openSmallGroup({
      ceiling: { start: 5, max: 5, probeMs: 30_000, watchFirstToken: false },
      waitMsMax: 120_000,
    })
    const nothingLeft = {
      requests: { limit: 9, remaining: 0, resetMs: 90_000 },
      tokens: null,
      concurrency: null,
    }
    const first = await leased(ask(group, 'a').answer)
    first.heard(nothingLeft)
    const early = ask(group, 'b')
    await clock.advance(10_000)
    expect(early.places.map(({ expectedWaitMs }) => expectedWaitMs)).toEqual([90_000, 80_000])
    first.release()
    const late = ask(group, 'c')
    expect(late.places).toMatchObject([{ position: 2, expectedWaitMs: 80_000 }])
    await clock.advance(80_000)
    ;(await leased(early.answer)).release()
  })

  it('waits for what a running job may give back of the day, and starts when it does', async () => {
    const { group } = openSmallGroup({
      ceiling: { start: 2, max: 2, probeMs: 30_000, watchFirstToken: false },
      rates: { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: 1000, refundsTokens: true },
    })
    const first = await leased(ask(group, 'a', { outputTokensMax: 800 }).answer)
    const second = ask(group, 'b', { outputTokensMax: 500 })
    expect(group.waiting).toBe(1)
    first.release({ inputTokens: 10, outputTokens: 100 })
    ;(await leased(second.answer)).release()
  })

  it('waits for the reset when the vendor says that nothing is left, and starts by itself when it says that more is', async () => {
    const { clock, group } = openSmallGroup({
      ceiling: { start: 5, max: 5, probeMs: 30_000, watchFirstToken: false },
      waitMsMax: 60_000,
    })
    const word = (remaining: number, resetMs: number) => ({
      requests: { limit: 9, remaining, resetMs },
      tokens: null,
      concurrency: null,
    })
    const first = await leased(ask(group, 'a').answer)
    first.heard(word(0, 20_000))
    const second = ask(group, 'b')
    const third = ask(group, 'c')
    const fourth = ask(group, 'd')
    await clock.advance(19_999)
    expect(group.inspect()).toMatchObject({
      held: 1,
      waiting: 3,
      rates: [{ unit: 'requests', limit: 9, remaining: 0, resetMs: 1, source: 'vendor' }],
    })
    await clock.advance(1)
    // One goes ahead; its answer lets the others follow.
    expect(group.inspect()).toMatchObject({ held: 2, waiting: 2, rates: [] })
    ;(await leased(second.answer)).heard(word(5, 60_000))
    for (const lease of [first, await leased(third.answer), await leased(fourth.answer)]) lease.release()
    expect(group.inspect()).toMatchObject({ held: 1, waiting: 0, rates: [{ remaining: 3 }] })
    expect((await ask(group, 'e', { deadlineAt: clock.now() + 1000 }).answer) as object).not.toHaveProperty(
      'kind',
    )
  })

  it('counts every request made on one lease, and what all of them used', async () => {
    const { clock, group } = openSmallGroup({
      ceiling: { start: 5, max: 5, probeMs: 30_000, watchFirstToken: false },
      rates: { requestsPerMinute: 3, tokensPerMinute: 1000, tokensPerDay: null, refundsTokens: true },
      waitMsMax: 90_000,
    })
    const lease = await leased(ask(group, 'a').answer)
    lease.anotherRequest()
    lease.anotherRequest()
    expect(group.inspect().rates).toMatchObject([{ remaining: 0 }, { remaining: 700 }])
    lease.release({ inputTokens: 30, outputTokens: 320 })
    lease.anotherRequest()
    expect(group.inspect().rates).toMatchObject([{ remaining: 0 }, { remaining: 650 }])
    await clock.advance(61_000)
    expect(group.inspect().rates).toMatchObject([{ remaining: 3 }, { remaining: 1000 }])
  })

  it('reserves the output that is likely where the vendor gives back, and the whole cap where it does not', async () => {
    for (const [refundsTokens, remaining] of [
      [true, 970],
      [false, 900],
    ] as const) {
      const { group } = openSmallGroup({
        rates: { requestsPerMinute: null, tokensPerMinute: 1000, tokensPerDay: null, refundsTokens },
      })
      const lease = await leased(ask(group, 'a', { outputTokensExpected: 20 }).answer)
      expect(group.inspect().rates).toMatchObject([{ remaining }])
      lease.release()
    }
  })

  it('charges tokens where they are scarce, and for a tiny request what a request is worth', async () => {
    const { group } = openSmallGroup({
      costs: 'tokens',
      rates: { requestsPerMinute: 10, tokensPerMinute: 5000, tokensPerDay: null, refundsTokens: false },
    })
    ;(await leased(ask(group, 'a').answer)).release({ inputTokens: 10, outputTokens: 5 })
    expect(group.inspect()).toMatchObject({ costs: 'tokens', principals: [{ served: 500, share: 0 }] })
    const { group: larger } = openSmallGroup({ costs: 'tokens' })
    ;(await leased(ask(larger, 'a', { inputTokens: 2000 }).answer)).release({
      inputTokens: 1990,
      outputTokens: 5,
    })
    expect(larger.inspect()).toMatchObject({ principals: [{ served: 1995 }] })
  })

  it('shares fairly after a job whose tokens nobody can have taken', async () => {
    const { clock, group } = openSmallGroup({
      costs: 'tokens',
      waitMsMax: 1e9,
      queue: { clientJobsMax: 9, clientBytesMax: 9000, principalJobsMax: 9, jobsMax: 9, forgetAfterMs: 1 },
    })
    ;(await leased(ask(group, 'c', { principal: 'c' }).answer)).release({
      inputTokens: 2 ** 64,
      outputTokens: 5,
    })
    await clock.advance(120_000)
    const served = { a: 0, b: 0 }
    const play = async (principal: 'a' | 'b'): Promise<void> => {
      while (served.a + served.b < 40) {
        const lease = await leased(ask(group, 'w', { principal, inputTokens: 100 }).answer)
        served[principal]++
        await new Promise<void>((resolve) => clock.after(100, resolve))
        lease.release({ inputTokens: 100, outputTokens: 400 })
      }
    }
    const all = Promise.all((['a', 'a', 'a', 'b', 'b', 'b'] as const).map((principal) => play(principal)))
    await clock.advance(10_000)
    await all
    expect(Math.abs(served.a - served.b)).toBeLessThanOrEqual(3)
  })

  it('expects of all that wait what the first job took, once it has ended', async () => {
    const { clock, group } = openSmallGroup({ waitMsMax: 90_000 })
    const first = await leased(ask(group, 'a').answer)
    const second = ask(group, 'a')
    const third = ask(group, 'a')
    const other = ask(group, 'b')
    await clock.advance(8000)
    first.release()
    await clock.advance(500)
    // The other one runs; it, and the one that came before the third, will take 8 s as the first did.
    expect(third.places.at(-1)).toMatchObject({ position: 2, expectedWaitMs: 15_500 })
    for (const each of [other, second, third]) (await leased(each.answer)).release()
  })

  it('gives a lease back once, however often it is released', async () => {
    const { group } = openSmallGroup()
    const lease = await leased(ask(group, 'a').answer)
    lease.release()
    lease.release()
    expect(group.inspect()).toMatchObject({ held: 0 })
  })

  it('grants nothing to a caller who has gone already', async () => {
    const { group } = openSmallGroup()
    const signal = AbortSignal.abort(new Error('nobody listens'))
    await expect(ask(group, 'a', { signal }).answer).rejects.toThrow('nobody listens')
    expect(group.inspect()).toMatchObject({ held: 0, waiting: 0 })
  })

  it('starts a job at once where a slot is free and nobody waits, however long the others take', async () => {
    const { clock, group } = openSmallGroup({
      ceiling: { start: 2, max: 2, probeMs: 30_000, watchFirstToken: false },
    })
    await seen(group, clock, 8000)
    const first = await leased(ask(group, 'a', { expectedMs: 48_000 }).answer)
    const second = await leased(ask(group, 'b', { expectedMs: 48_000, deadlineAt: clock.now() + 100 }).answer)
    // Both are taken, for 8 seconds each at least, and one of the two may be free long before the other.
    const [late, fits] = [3999, 4000].map((ms) => ask(group, 'c', { deadlineAt: clock.now() + ms }))
    expect(await late?.answer).toMatchObject({ reason: 'would-miss-deadline' })
    expect(group.waiting).toBe(1)
    first.release()
    second.release()
    ;(await leased(fits?.answer ?? Promise.reject(new Error('nobody')))).release()
  })

  it('counts those who wait before it, though a slot is free', async () => {
    const { clock, group } = openSmallGroup({
      ceiling: { start: 2, max: 2, probeMs: 30_000, watchFirstToken: false },
      rates: { requestsPerMinute: null, tokensPerMinute: 1000, tokensPerDay: null, refundsTokens: false },
      waitMsMax: 90_000,
    })
    await seen(group, clock, 8000)
    const running = await leased(ask(group, 'a', { inputTokens: 310 }).answer)
    const large = ['b', 'c'].map((client) => ask(group, client, { inputTokens: 310, expectedMs: 48_000 }))
    const small = { inputTokens: 1, outputTokensMax: 1 }
    const late = ask(group, 'd', { ...small, deadlineAt: clock.now() + 3999 })
    expect(group.waiting).toBe(2)
    expect(await late.answer).toMatchObject({ reason: 'would-miss-deadline' })
    const fits = ask(group, 'd', { ...small, deadlineAt: clock.now() + 4000 })
    expect(group.waiting).toBe(3)
    for (const each of [fits, ...large]) {
      each.controller.abort()
      await expect(each.answer).rejects.toThrow()
    }
    running.release()
  })

  it('starts nothing at the moment at which it is too late, unless somebody with more time has joined it', async () => {
    for (const [untilAt, starts] of [
      [5000, false],
      [9000, true],
    ] as const) {
      const { clock, group } = openSmallGroup()
      const first = await leased(ask(group, 'a').answer)
      clock.after(5000, () => first.release())
      const request = { ...leaseRequestOf({ client: 'b' }), deadlineAt: 5000 }
      const answer = group.acquire(request)
      request.deadlineAt = untilAt
      await clock.advance(5000)
      expect(group.inFlight).toBe(starts ? 1 : 0)
      expect(isRefusal(await answer)).toBe(!starts)
    }
  })

  it('believes the vendor about how many it takes at once, and hears nothing from a request that never began', async () => {
    const { group } = openSmallGroup({
      ceiling: { start: 5, max: 5, probeMs: 30_000, watchFirstToken: false },
    })
    const word = (remaining: number, concurrency: number | null) => ({
      requests: { limit: 9, remaining, resetMs: 60_000 },
      tokens: null,
      concurrency,
    })
    const lease = await leased(ask(group, 'a').answer)
    lease.heard(word(7, null))
    expect(group.inspect()).toMatchObject({ capacity: 5, rates: [{ remaining: 7 }] })
    lease.heard(word(6, 2))
    expect(group.inspect()).toMatchObject({ capacity: 2, ceiling: { source: 'vendor', max: 2 } })
    lease.unbegun(1)
    lease.heard(word(3, null))
    expect(group.inspect().rates).toMatchObject([{ remaining: 6 }])
    lease.release()
  })

  it('learns nothing of how long a job takes from one that the vendor sent back', async () => {
    const { clock, group } = openSmallGroup()
    const first = await leased(ask(group, 'a').answer)
    await clock.advance(5000)
    const again = first.refusedByVendor()
    expect(ask(group, 'b').places).toMatchObject([{ expectedWaitMs: null }])
    await clock.advance(1000)
    ;(await leased(again)).release()
  })

  it('tells those who wait within half a second that their place has changed, whatever changed it', async () => {
    const { clock, group } = openSmallGroup({
      queue: { clientJobsMax: 9, clientBytesMax: 9000, principalJobsMax: 9, jobsMax: 9, forgetAfterMs: 1 },
      waitMsMax: 60_000,
    })
    const first = await leased(ask(group, 'a').answer)
    const jobs = ['anna', 'anna', 'anna', 'bert', 'bert', 'bert'].map((principal) =>
      ask(group, 'w', { principal }),
    )
    const last = jobs.at(-1)
    const place = () => last?.places.at(-1)?.position
    await clock.advance(1000)
    expect(place()).toBe(6)
    group.setWeight('bert', 10)
    await clock.advance(500)
    expect(place()).toBe(4)
    group.setOrder('first-come')
    await clock.advance(500)
    expect(place()).toBe(6)
    jobs[0]?.controller.abort()
    await expect(jobs[0]?.answer).rejects.toThrow()
    await clock.advance(500)
    expect(place()).toBe(5)
    group.setOrder('fair')
    await clock.advance(500)
    for (const each of jobs.slice(1)) {
      each.controller.abort()
      await expect(each.answer).rejects.toThrow()
    }
    first.release()
    await clock.advance(1000)
    expect(clock.pendingTimers).toBe(0)
  })

  it('lets those behind a large job start at once when it is given up, or charged to somebody whose turn is later', async () => {
    for (const how of ['abort', 'recharge'] as const) {
      const { clock, group } = openSmallGroup({
        ceiling: { start: 2, max: 2, probeMs: 30_000, watchFirstToken: false },
        rates: { requestsPerMinute: null, tokensPerMinute: 150, tokensPerDay: null, refundsTokens: false },
        waitMsMax: 90_000,
      })
      const first = await leased(ask(group, 'a', { principal: 'heavy' }).answer)
      await clock.advance(1000)
      first.release()
      const controller = new AbortController()
      const request = leaseRequestOf({ inputTokens: 50, signal: controller.signal })
      const large = group.acquire(request)
      const small = ask(group, 'c', { principal: 'bert', inputTokens: 5, outputTokensMax: 5 })
      expect(group.waiting).toBe(2)
      if (how === 'abort') controller.abort()
      else group.recharge(request, { principal: 'heavy', client: 'a' })
      expect(group.inFlight).toBe(1)
      ;(await leased(small.answer)).release()
      controller.abort()
      await expect(large).rejects.toThrow()
      await clock.advance(1)
      expect(clock.pendingTimers).toBe(0)
    }
  })

  it('tells those who wait within half a second that a job was charged to another', async () => {
    const { clock, group } = openSmallGroup()
    const first = await leased(ask(group, 'a').answer)
    const request = leaseRequestOf({ principal: 'anna' })
    const moved = group.acquire(request)
    const other = ask(group, 'b', { principal: 'bert' })
    await clock.advance(1000)
    expect(other.places.at(-1)).toMatchObject({ position: 2 })
    group.recharge(request, { principal: 'local', client: 'a' })
    await clock.advance(500)
    expect(other.places.at(-1)).toMatchObject({ position: 1 })
    first.release()
    for (const answer of [other.answer, moved]) (await leased(answer)).release()
  })

  it('keeps one timer for what waits on time alone, also when the job before it was refused', async () => {
    const { clock, group } = openSmallGroup({
      rates: { requestsPerMinute: null, tokensPerMinute: 600, tokensPerDay: 1000, refundsTokens: true },
      waitMsMax: 120_000,
    })
    const first = await leased(ask(group, 'a', { inputTokens: 400 }).answer)
    const large = ask(group, 'b', { inputTokens: 510 })
    const next = ask(group, 'c', { inputTokens: 160 })
    first.release({ inputTokens: 400, outputTokens: 1 })
    expect(await large.answer).toMatchObject({ reason: 'would-miss-deadline' })
    expect(group.waiting).toBe(1)
    next.controller.abort()
    await expect(next.answer).rejects.toThrow()
    expect(clock.pendingTimers).toBe(0)
  })

  it('forgets whoever has been idle for long, also where nobody comes any more', async () => {
    const { clock, group } = openSmallGroup()
    ;(await leased(ask(group, 'a').answer)).release()
    await clock.advance(59_999)
    expect(group.inspect().principals).toHaveLength(1)
    await clock.advance(1)
    expect(group.inspect().principals).toEqual([])
  })
})
