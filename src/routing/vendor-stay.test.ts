// What the slot of a stay and its group's rates are told of the job's attempts, in virtual time.

import { describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { identityOf } from '../domain/identity-of.ts'
import { isRefusal } from '../domain/refusal.ts'
import type { Usage } from '../providers/provider.ts'
import { attemptEndOf } from './attempt-end-of.ts'
import { cap, fails, StayAtVendor, says, type VendorPlay } from './stay-at-vendor.ts'

const counted = (inputTokens: number, outputTokens: number): Usage => ({
  inputTokens,
  outputTokens,
  cachedInputTokens: 0,
  reasoningTokens: 0,
  source: 'provider',
})
const counts = (input: number, output: number): VendorPlay =>
  async function* (attempt) {
    yield { type: 'usage', usage: counted(input, output) }
    yield* says(attempt)
  }

describe('the slot of a stay', () => {
  it('goes back with what the vendor counted, in all attempts together', async () => {
    const stay = new StayAtVendor({ refundsTokens: true })
    const lease = await stay.acquire()
    // A quarter of its cap will probably do.
    expect(stay.taken).toBe(cap / 4)
    await stay.attempt(function* ({ onRequest }) {
      onRequest?.()
      yield { type: 'usage', usage: counted(10, 50) }
    })
    await stay.attempt(counts(20, 300))
    lease.release()
    expect(stay.taken).toBe(10 + 50 + 20 + 300)
    expect(stay.usages).toEqual([counted(10, 50), counted(20, 300)])
    expect(stay.group.inspect()).toMatchObject({ held: 0, waiting: 0, overdue: 0 })
  })

  it('keeps its estimate where the vendor worked and did not count, or counted nothing', async () => {
    for (const play of [says, counts(0, 0)]) {
      const stay = new StayAtVendor({ refundsTokens: true })
      const lease = await stay.acquire()
      await stay.attempt(play)
      lease.release()
      expect(stay.taken).toBe(cap / 4)
    }
  })

  it('gives back all that was set aside where nothing was asked, and teaches nobody how long a job takes', async () => {
    const stay = new StayAtVendor({ settings: { cutHoldMs: 1_000 } })
    const lease = await stay.acquire()
    await stay.clock.advance(5_000)
    expect(stay.taken).toBe(cap)
    lease.release()
    expect(stay.taken).toBe(0)
    expect(stay.group).toMatchObject({ hasServed: false, inFlight: 0 })
  })

  it('tells how long a job takes only where no attempt on it failed', async () => {
    for (const [plays, isMeasure] of [
      [[says], true],
      [[fails('provider-error'), says], false],
      [[fails('provider-error')], false],
    ] as const) {
      const stay = new StayAtVendor()
      const lease = await stay.acquire()
      for (const play of plays) await stay.attempt(play)
      lease.release()
      expect(stay.group.hasServed).toBe(isMeasure)
    }
  })

  it('stays taken for a moment after a request that was cut, and for no other', async () => {
    const leaves = (live: AbortController): VendorPlay =>
      function* ({ onRequest, signal }) {
        onRequest?.()
        yield { type: 'text-delta', text: 'some words' }
        live.abort(new CallFailure('client-gone', { message: 'Gone.' }))
        signal.throwIfAborted()
      }
    const neverSent: VendorPlay = function* () {
      yield* []
      throw new CallFailure('timeout', { message: 'No connection in time.' })
    }
    for (const [plays, inFlight] of [
      [() => [fails('timeout')], 1],
      [({ live }: StayAtVendor) => [leaves(live)], 1],
      [() => [fails('provider-error')], 0],
      [() => [neverSent], 0],
      [() => [fails('timeout'), fails('provider-error')], 0],
      [() => [fails('timeout'), says], 0],
    ] as const) {
      const stay = new StayAtVendor({ settings: { cutHoldMs: 1_000 } })
      const lease = await stay.acquire()
      for (const play of plays(stay)) await stay.attempt(play)
      lease.release()
      expect(stay.group.inFlight).toBe(inFlight)
      await stay.clock.advance(1_000)
      expect(stay.group.inFlight).toBe(0)
      expect(stay.clock.pendingTimers).toBe(0)
    }
  })

  it('stays charged to whoever had it once it is given back', async () => {
    const stay = new StayAtVendor({ settings: { cutHoldMs: 1_000 } })
    const lease = await stay.acquire()
    stay.chargeTo(identityOf('bert', 'w2'))
    expect([stay.held('anna'), stay.held('bert')]).toEqual([0, 1])
    await stay.attempt(fails('timeout'))
    lease.release()
    stay.chargeTo(identityOf('carl', 'w3'))
    expect([stay.held('bert'), stay.held('carl')]).toEqual([1, 0])
    await stay.clock.advance(1_000)
    expect(stay.held('bert')).toBe(0)
  })

  it('is asked for in the name of the client, or of its principal alone', async () => {
    const stay = new StayAtVendor()
    const lease = await stay.acquire()
    const clients = (name: string) =>
      stay.group
        .inspect()
        .principals.find((each) => each.name === name)
        ?.clients.map((each) => each.name)
    expect(clients('anna')).toEqual(['w1'])
    stay.chargeTo(identityOf('bert'))
    expect(clients('bert')).toEqual([''])
    lease.release()
  })

  it('is what every attempt has: one without is a bug', async () => {
    const stay = new StayAtVendor()
    const end = attemptEndOf('done', { target: stay.candidate })
    expect(() => stay.site.emit(end)).toThrow('bug: an attempt at glm/main has no slot')
    expect(() => stay.site.ready(stay.candidate, stay.live.signal, null)).toThrow('has no slot')
    const lease = await stay.acquire()
    await stay.attempt(says)
    lease.release()
    expect(() => stay.site.emit(end)).toThrow('has no slot')
  })
})

describe('what is set aside at the vendor', () => {
  it('is given back for what the vendor never worked on, request by request', async () => {
    const stay = new StayAtVendor()
    const lease = await stay.acquire()
    await stay.attempt(fails('provider-error', 2))
    expect(stay.taken).toBe(0)
    await stay.attempt(fails('provider-error', 2), { hasBegun: true })
    await stay.attempt(fails('unreachable', 1))
    expect(stay.taken).toBe(2 * cap)
    lease.release()
    expect(stay.taken).toBe(2 * cap)
  })

  it('stays for a request that we hung up on', async () => {
    const stay = new StayAtVendor()
    const lease = await stay.acquire()
    await stay.attempt(fails('timeout'))
    lease.release()
    expect(stay.taken).toBe(cap)
  })

  it('is given back where it was paid for and never sent, but not with an attempt on which the vendor worked', async () => {
    const asksOnce: VendorPlay = async function* ({ mayRequest, signal }) {
      await mayRequest?.(signal)
      yield* []
      throw new CallFailure('unreachable', { message: 'No.' })
    }
    for (const [hasBegun, left] of [
      [false, 0],
      [true, cap],
    ] as const) {
      const stay = new StayAtVendor()
      const lease = await stay.acquire()
      await stay.attempt(asksOnce, { hasBegun })
      expect(stay.taken).toBe(cap)
      lease.release()
      expect(stay.taken).toBe(left)
    }
  })

  it('goes back by itself where the vendor took no more at once: the last request; at the end of the stay all of them', async () => {
    const full: VendorPlay = async function* ({ onRequest, mayRequest, signal }) {
      onRequest?.()
      await mayRequest?.(signal)
      onRequest?.()
      yield* []
      throw new CallFailure('concurrency-limited', { message: 'Too many.' })
    }
    const stay = new StayAtVendor()
    const lease = await stay.acquire()
    await stay.attempt(full)
    expect(stay.taken).toBe(2 * cap)
    lease.release()
    expect(stay.taken).toBe(0)

    const again = new StayAtVendor()
    const first = await again.acquire()
    await again.attempt(full)
    const sentBack = first.refusedByVendor()
    expect(again.taken).toBe(cap)
    await again.clock.advance(10_000)
    const second = await sentBack
    if (isRefusal(second)) return expect.fail(second.message)
    expect(again.taken).toBe(2 * cap)
    second.release()
    expect(again.taken).toBe(cap)
    expect(again.group.inspect()).toMatchObject({ held: 0, waiting: 0 })
    expect(again.clock.pendingTimers).toBe(0)
  })

  it('also counts the next request, paid for and not sent, beside those that were sent back', async () => {
    const stay = new StayAtVendor()
    const lease = await stay.acquire()
    await stay.attempt(async function* ({ onRequest, mayRequest, signal }) {
      onRequest?.()
      await mayRequest?.(signal)
      yield* []
      throw new CallFailure('concurrency-limited', { message: 'Too many.' })
    })
    expect(stay.taken).toBe(2 * cap)
    lease.release()
    expect(stay.taken).toBe(0)
  })

  it('counts what is sent without asking, and what is sent after the attempt is none of the next one’s', async () => {
    const stay = new StayAtVendor({ requestsPerMinute: 100 })
    const lease = await stay.acquire()
    expect(stay.remaining('requests a minute')).toBe(99)
    let deletesFile = (): void => expect.fail('the attempt has not begun')
    await stay.attempt(
      function* ({ onRequest }) {
        deletesFile = () => onRequest?.()
        yield* []
        throw new CallFailure('provider-error', { message: 'No.' })
      },
      { hasBegun: true },
    )
    deletesFile()
    expect(stay.remaining('requests a minute')).toBe(98)
    await stay.attempt(fails('provider-error'))
    expect(stay.remaining('requests a minute')).toBe(97)
    expect(stay.taken).toBe(2 * cap)
    lease.release()
    // The slot is gone, and with it all that counted there.
    deletesFile()
    expect(stay.remaining('requests a minute')).toBe(97)
  })
})

describe('a further request', () => {
  it('is paid for once, however often somebody asks whether it may go', async () => {
    const stay = new StayAtVendor({ requestsPerMinute: 100 })
    const lease = await stay.acquire()
    const ready = () => stay.site.ready(stay.candidate, stay.live.signal, null)
    expect([await ready(), await ready()]).toEqual([null, null])
    expect(stay.remaining('requests a minute')).toBe(99)
    await stay.attempt(fails('provider-error'))
    expect([await ready(), await ready()]).toEqual([null, null])
    expect(stay.remaining('requests a minute')).toBe(98)
    lease.release()
  })

  it('waits for the rates with the cap that it asks for', async () => {
    const stay = new StayAtVendor()
    const lease = await stay.acquire()
    await stay.attempt(fails('empty-output'), { hasBegun: true })
    expect(await stay.site.ready(stay.candidate, stay.live.signal, 2 * cap)).toBeNull()
    expect(stay.taken).toBe(3 * cap)
    const never = await stay.site.ready(stay.candidate, stay.live.signal, null)
    expect(never).toBeNull()
    lease.release()
    expect(stay.taken).toBe(cap)
  })

  it('that has no room in time is not made, and paid for by nobody', async () => {
    const stay = new StayAtVendor({ requestsPerMinute: 1 })
    const lease = await stay.acquire()
    let asked: unknown = null
    const outcome = await stay.attempt(
      async function* ({ onRequest, mayRequest, signal }) {
        onRequest?.()
        asked = await mayRequest?.(signal).catch((error: unknown) => error)
        yield* []
        throw asked
      },
      { untilAt: () => 10_000 },
    )
    expect(outcome).toBe(asked)
    expect(outcome).toMatchObject({
      code: 'refused',
      retryable: true,
      message: expect.stringMatching(/^glm\/main takes 1 requests a minute/),
      refusal: { reason: 'would-miss-deadline', dimension: 'requests a minute of glm/main' },
    })
    const later = stay.site.ready(stay.candidate, stay.live.signal, null)
    await stay.clock.advance(0)
    expect(stay.group.inspect().heldBack).toBe(1)
    await stay.clock.advance(61_000)
    expect(await later).toBeNull()
    lease.release()
    expect(stay.clock.pendingTimers).toBe(0)
  })
})
