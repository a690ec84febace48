import { describe, expect, it } from 'vitest'
import { FairQueue } from './fair-queue.ts'
import type { JobWish } from './queue-owner.ts'

// Four places in all: who has most for its weight, the newcomer counted with one more, gives up its newest.
function full(...waiting: readonly (Partial<JobWish> & { readonly client: string })[]) {
  const queue = new FairQueue<string>({
    clientJobsMax: 100,
    clientBytesMax: 1e6,
    principalJobsMax: 100,
    jobsMax: waiting.length,
    forgetAfterMs: 1000,
  })
  const add = (wish: Partial<JobWish> & { readonly client: string }, name: string) =>
    queue.enqueue(
      { principal: 'anna', class: 'interactive', estimate: 1, bytes: 1, deadlineAt: 1e9, ...wish },
      name,
      0,
    )
  for (const [index, wish] of waiting.entries()) add(wish, `job ${index}`)
  return (wish: Partial<JobWish> & { readonly client: string }): string => {
    const placing = add(wish, 'newcomer')
    return placing.kind === 'full' ? 'refused' : (placing.eviction?.job.payload ?? 'nobody')
  }
}

describe('who gives up a place', () => {
  it('gives up its newest, whichever of its lanes that waits in', () => {
    const batch = { client: 'greedy', class: 'batch' } as const
    const now = { client: 'greedy' }
    expect(full(batch, now, batch, now)({ client: 'modest' })).toBe('job 3')
    expect(full(now, batch, now, batch)({ client: 'modest' })).toBe('job 3')
    expect(full(now, now, batch, batch)({ client: 'modest' })).toBe('job 3')
  })

  it('is nobody else where the newcomer would have as many', () => {
    const jobs = [{ client: 'a' }, { client: 'a' }, { client: 'b' }]
    expect(full(...jobs)({ client: 'b' })).toBe('refused')
    expect(full(...jobs)({ client: 'c' })).toBe('job 1')
  })

  it('is the one with most for its weight, not the one with most', () => {
    const heavy = { principal: 'anna', client: 'w', principalWeight: 4 }
    const light = { principal: 'bert', client: 'w', principalWeight: 1 }
    expect(full(heavy, heavy, heavy, light, light)({ principal: 'carl', client: 'w' })).toBe('job 4')
    expect(full(heavy, heavy, light)(light)).toBe('refused')
    expect(full(heavy, heavy, light, light)(heavy)).toBe('job 3')
  })

  it('is a client of the principal that has most, even where another principal has a busier client', () => {
    const anna = (client: string) => ({ principal: 'anna', client })
    const bert = { principal: 'bert', client: 'w' }
    expect(
      full(anna('a'), anna('b'), anna('c'), anna('d'), bert, bert, bert)({ principal: 'carl', client: 'w' }),
    ).toBe('job 0')
  })
})
