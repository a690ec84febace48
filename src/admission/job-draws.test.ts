import { expect, it } from 'vitest'
import { isRefusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { toGroupPlan } from './group-plan.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import { QuotaGroup } from './quota-group.ts'
import { leased } from './small-group.ts'

// 1000 tokens a job: 10 jobs a day.
function open() {
  const clock = new VirtualClock()
  const rates = { requestsPerMinute: 100, tokensPerMinute: 4000, tokensPerDay: 10_000, refundsTokens: false }
  const plan = toGroupPlan({
    per: 'account',
    costs: 'tokens',
    concurrency: { default: 4, byModel: {} },
    rates,
  })
  const group = new QuotaGroup({ ...plan.group(''), name: 'kimi/main', clock, random: () => 0.5 })
  const acquire = () =>
    group.acquire(
      leaseRequestOf({ inputTokens: 100, outputTokensMax: 900, deadlineAt: clock.now() + 200_000 }),
    )
  const lease = () => leased(acquire())
  const left = () => group.inspect().rates.find(({ unit }) => unit === 'tokens a day')?.remaining
  return { clock, group, acquire, lease, left }
}

it('gives back the tokens of a request that the vendor never worked on, where it refunds nothing else', async () => {
  const { lease, left } = open()
  const unbegun = await lease()
  expect(left()).toBe(9000)
  unbegun.unbegun(1)
  unbegun.release()
  expect(left()).toBe(10_000)
  const begun = await lease()
  begun.release()
  expect(left()).toBe(9000)
})

it('gives back only those of several requests that never began', async () => {
  const { lease, left } = open()
  const held = await lease()
  held.unbegun(1)
  held.anotherRequest()
  held.anotherRequest()
  expect(left()).toBe(8000)
  held.unbegun(1)
  held.release({ inputTokens: 100, outputTokens: 10 })
  expect(left()).toBe(9000)
})

it('lets the next job start at once with what was given back', async () => {
  const { clock, lease, group } = open()
  const held = await Promise.all([lease(), lease(), lease(), lease()])
  for (const each of held.slice(1)) each.release()
  const next = lease()
  await clock.advance(0)
  expect(group.waiting).toBe(1)
  held[0]?.unbegun(1)
  expect(group.waiting).toBe(0)
  await next
})

it('charges a request that never began as a request, and not as its tokens', async () => {
  const { lease, group } = open()
  const served = () => group.inspect().principals[0]?.served
  const held = await lease()
  held.unbegun(1)
  held.release()
  expect(served()).toBe(40)
})

it('names the rate that is used up, and what is left of it', async () => {
  const { clock, lease, acquire } = open()
  for (let job = 0; job < 10; job++) {
    const held = await lease()
    held.release()
    await clock.advance(61_000)
  }
  const answer = await acquire()
  expect(answer).toMatchObject({
    reason: 'would-miss-deadline',
    dimension: 'tokens a day of kimi/main',
    limit: 10_000,
    used: 10_000,
  })
  expect(isRefusal(answer) ? answer.message : '').toContain(
    'kimi/main takes 10000 tokens a day, and 0 are left, too few for this job: the wait would be about 24 hours',
  )
})
