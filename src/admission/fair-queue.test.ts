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
    expect(placing).toMatchObject({
      kind: 'queued',
      eviction: { job: { payload: 'a2' }, full: { scope: 'provider', limit: 4 }, next: { payload: 'a0' } },
    })
    if (placing.kind === 'queued' && placing.eviction) queue.cancel(placing.eviction.job)
    expect(queue.size).toBe(4)
    expect(add('anna', 'greedy', 'again')).toMatchObject({
      kind: 'full',
      full: { scope: 'provider', unit: 'jobs', limit: 4, used: 4 },
      next: { payload: 'a0' },
    })
    expect(add('anna', 'greedy', 'heavy', { principalWeight: 100 }).kind).toBe('full')
  })
  it('says which bound of a client is reached, jobs or bytes, and counts nothing then', () => {
    const { queue, add } = open({ clientJobsMax: 2, clientBytesMax: 100 })
    add('anna', 'w', 'light', { bytes: 60 })
    expect(add('anna', 'w', 'heavy', { bytes: 41 })).toMatchObject({
      kind: 'full',
      full: { scope: 'client', unit: 'bytes', limit: 100, used: 60 },
      next: { payload: 'light' },
    })
    expect(add('anna', 'w', 'fits', { bytes: 40 }).kind).toBe('queued')
    expect(add('anna', 'w', 'third', { bytes: 0 })).toMatchObject({
      kind: 'full',
      full: { scope: 'client', unit: 'jobs', limit: 2, used: 2 },
      next: { payload: 'light' },
    })
    expect(queue.size).toBe(2)
    expect(add('anna', 'other', 'fourth').kind).toBe('queued')
  })

  it('lets a full principal give up a job of its own, and says so to whoever has most of it', () => {
    const { queue, add } = open({ principalJobsMax: 3 })
    for (const name of ['a0', 'a1', 'a2']) add('anna', 'greedy', name)
    add('bert', 'w', 'b0')
    expect(add('anna', 'greedy', 'a3')).toMatchObject({
      kind: 'full',
      full: { scope: 'principal', unit: 'jobs', limit: 3, used: 3 },
      next: { payload: 'a0' },
    })
    expect(add('anna', 'modest', 'm0')).toMatchObject({
      kind: 'queued',
      eviction: { job: { payload: 'a2' }, full: { scope: 'principal', limit: 3 }, next: { payload: 'a0' } },
    })
    expect([...queue.jobs()].map(({ payload }) => payload).toSorted()).toEqual(['a0', 'a1', 'a2', 'b0', 'm0'])
  })

  it('evicts nobody when it is first come, first served', () => {
    const { queue, add } = open({ jobsMax: 2 })
    queue.setOrder('first-come')
    add('anna', 'w', 'a0')
    add('anna', 'w', 'a1')
    expect(add('bert', 'w', 'b0')).toMatchObject({ kind: 'full', full: { scope: 'provider', used: 2 } })
  })

  it('gives a principal of twice the weight twice the jobs, also when it changes on the way', () => {
    const { queue, add, start } = open()
    for (let i = 0; i < 30; i++) add('anna', 'w', 'a', { principalWeight: 2 })
    for (let i = 0; i < 30; i++) add('bert', 'w', 'b')
    expect(start(12).filter((name) => name === 'a').length).toBe(8)
    queue.setWeight('bert', 6)
    queue.setWeight('nobody', 6)
    expect(start(12).filter((name) => name === 'b').length).toBe(9)
    expect(() => queue.setWeight('bert', 0)).toThrow(/above 0/)
  })

  it('puts a job back where it was, uncharged, and never twice', () => {
    const { queue, add, start } = open()
    for (const name of ['a0', 'a1']) add('anna', 'w', name)
    const first = queue.peek()
    start(1)
    if (first === null) throw new Error('nobody waits')
    expect(first.state).toBe('in-flight')
    queue.putBack(first)
    expect(queue.size).toBe(2)
    expect(queue.peek()).toBe(first)
    expect(queue.principals.get('anna')).toMatchObject({ virtual: 0, unsettled: 0, inFlight: 0 })
    expect(() => queue.putBack(first)).toThrow(/in flight/)
    queue.cancel(first)
    expect(() => queue.cancel(first)).toThrow(/waiting/)
    expect(() => queue.start(first)).toThrow(/waiting/)
  })

  it('counts what was served, and forgets a principal that was idle for the whole time', () => {
    const { queue, add } = open()
    add('anna', 'w', 'a0')
    const job = queue.peek()
    if (job === null) throw new Error('nobody waits')
    queue.start(job)
    queue.sweep(5000)
    expect(queue.principals.size).toBe(1)
    queue.finish(job, 25, 5000)
    expect(job.state).toBe('gone')
    expect(queue.principals.get('anna')?.served).toBe(25)
    queue.sweep(5999)
    expect(queue.principals.size).toBe(1)
    queue.sweep(6000)
    expect(queue.principals.size).toBe(0)
  })

  it('foretells also when it is first come, first served, and with the work that goes before', () => {
    const { queue, add } = open()
    add('anna', 'w', 'a0', { estimate: 30 })
    add('anna', 'w', 'a1', { estimate: 20 })
    const last = add('bert', 'w', 'b0')
    if (last.kind !== 'queued') throw new Error('it was refused')
    expect(queue.ahead(last.job)).toEqual({ jobs: 1, work: 25 })
    queue.setOrder('first-come')
    expect(queue.order).toBe('first-come')
    expect(queue.ahead(last.job)).toEqual({ jobs: 2, work: 50 })
    queue.reestimate(() => 7)
    expect(queue.ahead(last.job)).toEqual({ jobs: 2, work: 14 })
  })
})
