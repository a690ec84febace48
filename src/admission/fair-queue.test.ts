import { describe, expect, it } from 'vitest'
import { FairQueue, type FairQueueLimits, type JobWish } from './fair-queue.ts'

const roomy: FairQueueLimits = {
  clientJobsMax: 100,
  clientBytesMax: 1e6,
  principalJobsMax: 100,
  jobsMax: 100,
  forgetAfterMs: 1000,
}

function open(limits: Partial<FairQueueLimits> = {}) {
  const queue = new FairQueue<string>({ ...roomy, ...limits })
  const add = (principal: string, client: string, name: string, over: Partial<JobWish> = {}) =>
    queue.enqueue(
      {
        principal,
        client,
        class: 'interactive',
        estimate: 10,
        bytes: 1,
        deadlineAt: Number.POSITIVE_INFINITY,
        ...over,
      },
      name,
      0,
    )
  /** Starts the next `count` jobs, and leaves them running. */
  const start = (count: number): string[] =>
    Array.from({ length: count }, () => {
      const job = queue.peek()
      if (job === null) return '-'
      queue.start(job)
      return job.payload
    })
  return { queue, add, start }
}

describe('fair queue', () => {
  it('shares free slots at once, before the first job has ended and been billed', () => {
    const { add, start } = open()
    for (let i = 0; i < 8; i++) add('anna', 'w', `a${i}`)
    for (let i = 0; i < 8; i++) add('bert', 'w', `b${i}`)
    const started = start(8)
    expect(started.filter((name) => name.startsWith('a')).length).toBe(4)
  })

  it('takes principals in turn, and in each its windows in turn', () => {
    const { add, start } = open()
    for (const client of ['w1', 'w2', 'w3']) for (let i = 0; i < 3; i++) add('anna', client, `${client}.${i}`)
    for (let i = 0; i < 6; i++) add('bert', 'w', `b.${i}`)
    expect(start(8)).toEqual(['w1.0', 'b.0', 'w2.0', 'b.1', 'w3.0', 'b.2', 'w1.1', 'b.3'])
  })

  it('lets the batch jobs of a client have a fifth while its interactive ones wait', () => {
    const { add, start } = open()
    for (let i = 0; i < 20; i++) add('anna', 'w', `batch`, { class: 'batch' })
    for (let i = 0; i < 20; i++) add('anna', 'w', `now`)
    expect(start(20).filter((name) => name === 'batch').length).toBe(4)
  })

  it('gives everybody the order of arrival when it is switched, and equal shares at once when it is switched back', () => {
    const { queue, add, start } = open()
    for (let i = 0; i < 8; i++) add('anna', 'w', `a${i}`)
    for (let i = 0; i < 3; i++) add('bert', 'w', `b${i}`)
    queue.setOrder('first-come')
    expect(start(4)).toEqual(['a0', 'a1', 'a2', 'a3'])
    queue.setOrder('fair')
    expect(start(6)).toEqual(['a4', 'b0', 'a5', 'b1', 'a6', 'b2'])
  })

  it('foretells how many jobs go before one, as it then happens', () => {
    const { queue, add, start } = open()
    const placings = [
      ...['a', 'b', 'c'].map((client) => add('anna', client, client)),
      add('bert', 'w', 'first'),
      add('bert', 'w', 'second'),
    ]
    const foretold = placings.map((placing) =>
      placing.kind === 'queued' ? [queue.ahead(placing.job).jobs, placing.job.payload] : [],
    )
    const happened = start(5)
    for (const [ahead, name] of foretold)
      expect([happened.indexOf(String(name)), name]).toEqual([ahead, name])
  })

  it('when full, offers the newest job of whoever has most for its weight, and refuses whoever that is', () => {
    const { queue, add } = open({ jobsMax: 4 })
    for (let i = 0; i < 4; i++) add('anna', i < 3 ? 'greedy' : 'modest', `a${i}`)
    const placing = add('bert', 'w', 'b')
    expect(placing).toMatchObject({ kind: 'queued', evicted: { payload: 'a2' } })
    if (placing.kind === 'queued' && placing.evicted) queue.cancel(placing.evicted)
    expect(queue.size).toBe(4)
    expect(add('anna', 'greedy', 'again')).toEqual({
      kind: 'full',
      full: { scope: 'provider', unit: 'jobs', limit: 4, used: 4 },
    })
    expect(add('anna', 'greedy', 'heavy', { principalWeight: 100 }).kind).toBe('full')
  })
})
