// What a job asks of its vendor beyond its first request waits for the rates as well, and goes before jobs that hold no slot.

import { expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { isRefusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { toGroupPlan } from './group-plan.ts'
import type { Lease } from './lease.ts'
import { QuotaGroup } from './quota-group.ts'

function open(over: { readonly requestsPerMinute?: number; readonly tokensPerMinute?: number } = {}) {
  const clock = new VirtualClock()
  const rates = {
    requestsPerMinute: null,
    tokensPerMinute: null,
    tokensPerDay: null,
    refundsTokens: false,
    ...over,
  }
  const plan = toGroupPlan({
    per: 'account',
    costs: 'tokens',
    concurrency: { default: 2, byModel: {} },
    rates,
  })
  const group = new QuotaGroup({ ...plan.group(''), name: 'kimi/main', clock, random: () => 0.5 })
  const acquire = (client = 'w1') =>
    group.acquire({
      principal: 'anna',
      client,
      class: 'interactive',
      inputTokens: 100,
      outputTokensMax: 900,
      bytes: 1,
      deadlineAt: clock.now() + 200_000,
      signal: new AbortController().signal,
      onPlace: () => {},
    })
  const lease = async (): Promise<Lease> => {
    const answer = await acquire()
    if (isRefusal(answer)) throw new Error(answer.message)
    return answer
  }
  /** Asks for one more request, and tells when it was let go or what was answered. */
  const another = (held: Lease, withinMs = 200_000, outputTokensMax = 900) => {
    const controller = new AbortController()
    const untilAt = clock.now() + withinMs
    const wish = { outputTokensMax, untilAt: () => untilAt, signal: controller.signal }
    const answer = held.another(wish).then((refusal) => refusal ?? clock.now())
    return { controller, answer }
  }
  const left = (unit: string) => group.inspect().rates.find((rate) => rate.unit === unit)?.remaining
  return { clock, group, acquire, lease, another, left }
}

it('lets a further request go at once where the rates have room, and counts it', async () => {
  const { lease, another, left, clock, group } = open({ requestsPerMinute: 100 })
  const held = await lease()
  expect(await another(held).answer).toBe(0)
  expect(left('requests a minute')).toBe(98)
  held.release()
  expect(group.inspect().held).toBe(0)
  expect(clock.pendingTimers).toBe(0)
})

it('holds it back until a minute has room for it, and nothing that holds no slot goes before it', async () => {
  const { clock, acquire, lease, another, group, left } = open({ requestsPerMinute: 3 })
  const held = await lease()
  const next = acquire('w2')
  const { answer } = another(held)
  await clock.advance(19_999)
  expect(left('requests a minute')).toBe(2)
  await clock.advance(1)
  expect(await answer).toBe(20_000)
  expect(group.waiting).toBe(1)
  await clock.advance(20_000)
  const second = await next
  expect(isRefusal(second)).toBe(false)
  if (!isRefusal(second)) second.release()
  held.release()
  await clock.advance(1)
  expect(clock.pendingTimers).toBe(0)
})

it('refuses what cannot go in time, and says which rate it is', async () => {
  const { lease, another, left } = open({ requestsPerMinute: 3 })
  const held = await lease()
  expect(await another(held, 19_000).answer).toMatchObject({
    reason: 'would-miss-deadline',
    dimension: 'requests a minute of kimi/main',
  })
  expect(left('requests a minute')).toBe(2)
  held.release()
})

it('gives a place up with its signal, and lets go what waited behind it', async () => {
  const { clock, acquire, lease, another, group } = open({ tokensPerMinute: 2500 })
  const held = await lease()
  // Too large for this minute, while what comes after it is not.
  const { controller, answer } = another(held, 200_000, 2000)
  const next = acquire('w2')
  await clock.advance(0)
  expect(group.waiting).toBe(1)
  const gone = expect(answer).rejects.toMatchObject({ code: 'cancelled' })
  controller.abort(new CallFailure('cancelled', { message: 'no longer wanted' }))
  await gone
  const second = await next
  expect(isRefusal(second)).toBe(false)
  if (!isRefusal(second)) second.release()
  held.release()
  await clock.advance(1)
  expect(clock.pendingTimers).toBe(0)
})

it('sets aside the tokens of a cap that was raised, and never those of one that fits no minute', async () => {
  const { lease, another, left } = open({ tokensPerMinute: 10_000 })
  const held = await lease()
  expect(left('tokens a minute')).toBe(9000)
  await another(held, 200_000, 1800).answer
  expect(left('tokens a minute')).toBe(7100)
  expect(await another(held, 200_000, 10_000).answer).toMatchObject({ reason: 'too-large' })
  held.release({ inputTokens: 200, outputTokens: 1000 })
  expect(left('tokens a minute')).toBe(7100)
})

it('asks for nothing whose caller has gone already', async () => {
  const { lease, left, group } = open({ requestsPerMinute: 100 })
  const held = await lease()
  const signal = AbortSignal.abort(new CallFailure('cancelled', { message: 'no longer wanted' }))
  const wish = { outputTokensMax: 900, untilAt: () => 200_000, signal }
  await expect(held.another(wish)).rejects.toMatchObject({ code: 'cancelled' })
  expect(left('requests a minute')).toBe(99)
  expect(group.inspect().heldBack).toBe(0)
  held.release()
})

it('takes no other place away with the one that is given up, nor by the signal of one that has gone', async () => {
  const { clock, lease, another, group } = open({ tokensPerMinute: 3500 })
  const held = [await lease(), await lease()] as const
  const gone = another(held[0])
  expect(await gone.answer).toBe(0)
  const first = another(held[0])
  const second = another(held[1])
  expect(group.inspect().heldBack).toBe(2)
  gone.controller.abort()
  expect(group.inspect().heldBack).toBe(2)
  second.controller.abort(new CallFailure('cancelled', { message: 'no longer wanted' }))
  await expect(second.answer).rejects.toMatchObject({ code: 'cancelled' })
  expect(group.inspect().heldBack).toBe(1)
  await clock.advance(61_000)
  expect(await first.answer).toBe(61_000)
  for (const each of held) each.release()
  await clock.advance(1)
  expect(clock.pendingTimers).toBe(0)
})
