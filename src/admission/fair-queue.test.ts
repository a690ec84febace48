import { describe, expect, it } from 'vitest'
import { FairQueue, type FairQueueLimits } from './fair-queue.ts'
import type { JobWish } from './queue-owner.ts'
import type { QueuedJob } from './queue-tree.ts'

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
    add('anna', 'w', 'file', { bytes: 101 })
    expect(add('anna', 'w', 'heavy', { bytes: 102 })).toMatchObject({
      kind: 'full',
      full: { scope: 'client', unit: 'bytes', limit: 100, used: 101 },
      next: { payload: 'file' },
    })
    expect(add('anna', 'w', 'fits', { bytes: 100 }).kind).toBe('queued')
    expect(add('anna', 'w', 'third', { bytes: 0 })).toMatchObject({
      kind: 'full',
      full: { scope: 'client', unit: 'jobs', limit: 2, used: 2 },
      next: { payload: 'file' },
    })
    expect(queue.size).toBe(2)
    expect(add('anna', 'other', 'fourth').kind).toBe('queued')
  })

  it('weighs all of a client that waits but the heaviest, whichever came first and in whatever class', () => {
    for (const [first, second] of [
      [100, 3000],
      [3000, 100],
    ] as const) {
      const { add } = open({ clientBytesMax: 100 })
      expect(add('anna', 'w', 'first', { bytes: first, class: 'batch' }).kind).toBe('queued')
      expect(add('anna', 'w', 'second', { bytes: second }).kind).toBe('queued')
      expect(add('anna', 'w', 'third', { bytes: 1 })).toMatchObject({
        full: { scope: 'client', unit: 'bytes', limit: 100, used: 3100 },
      })
    }
  })

  it('holds what is heavy to the room of its principal, and neither its questions nor anybody else', () => {
    const { queue, add } = open({ clientBytesMax: 100 })
    for (let n = 0; n < 4; n++) expect(add('anna', `w${n}`, `file ${n}`, { bytes: 800 }).kind).toBe('queued')
    const more = (bytes: number, principal = 'anna') => add(principal, 'w5', 'more', { bytes })
    expect(more(101)).toMatchObject({
      kind: 'full',
      full: { scope: 'principal', unit: 'bytes', limit: 3200, used: 3200 },
      next: { payload: 'file 0' },
    })
    expect(more(100).kind).toBe('queued')
    // As long as any text may be, beside a file.
    expect(add('anna', 'w0', 'question', { bytes: 100 }).kind).toBe('queued')
    // And no question goes for a file.
    expect(add('anna', 'w6', 'file', { bytes: 101 }).kind).toBe('full')
    expect(more(9000, 'bert').kind).toBe('queued')
    for (const job of [...queue.jobs()]) queue.cancel(job)
    expect(queue.principals.get('anna')?.bytes).toBe(0)
    expect(more(9000).kind).toBe('queued')
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
    add('anna', 'w', 'a0', { estimate: 30, holdMs: 9, knownMs: 4 })
    add('anna', 'w', 'a1', { estimate: 20, holdMs: 3 })
    const last = add('bert', 'w', 'b0')
    if (last.kind !== 'queued') throw new Error('it was refused')
    expect(queue.ahead(last.job)).toEqual({ jobs: 1, work: 25, holdMs: 6, knownMs: 2 })
    queue.setOrder('first-come')
    expect(queue.order).toBe('first-come')
    expect(queue.ahead(last.job)).toEqual({ jobs: 2, work: 50, holdMs: 12, knownMs: 4 })
    queue.reestimate(() => ({ estimate: 7, holdMs: 5 }))
    expect(queue.ahead(last.job)).toEqual({ jobs: 2, work: 14, holdMs: 10, knownMs: 4 })
  })

  it('foretells of its own client how long those hold their slots that came before it', () => {
    const { queue, add } = open()
    add('anna', 'w', 'a0', { holdMs: 9, knownMs: 4 })
    add('anna', 'w', 'a1', { holdMs: 3 })
    const last = add('anna', 'w', 'a2', { holdMs: 50, knownMs: 50 })
    add('anna', 'w', 'a3', { holdMs: 70, knownMs: 70 })
    if (last.kind !== 'queued') throw new Error('it was refused')
    expect(queue.ahead(last.job)).toEqual({ jobs: 2, work: 20, holdMs: 12, knownMs: 4 })
  })

  it('changes nothing when it is told the order that it has', () => {
    const { queue, add, start } = open()
    for (let i = 0; i < 6; i++) add('anna', 'w', `a${i}`)
    start(2)
    for (let i = 0; i < 4; i++) add('bert', 'w', `b${i}`)
    queue.setOrder('fair')
    // Anna has two running already, which Bert may have as well.
    expect(start(3).filter((name) => name.startsWith('b')).length).toBeGreaterThanOrEqual(2)
  })

  it('looks now and then, as jobs come, whom it may forget', () => {
    const { queue } = open()
    const come = (now: number): void => {
      const wish = { principal: 'bert', client: 'w', class: 'interactive', estimate: 10, bytes: 1 } as const
      queue.enqueue(
        { ...wish, deadlineAt: Number.POSITIVE_INFINITY, principal: now === 0 ? 'anna' : 'bert' },
        '',
        now,
      )
    }
    come(0)
    const job = queue.peek()
    if (job === null) throw new Error('nobody waits')
    queue.start(job)
    queue.finish(job, 10, 5)
    come(900)
    expect([...queue.principals.keys()]).toEqual(['anna', 'bert'])
    // Four times in the period of 1,000 at most, and it looked at 900.
    come(1149)
    expect([...queue.principals.keys()]).toEqual(['anna', 'bert'])
    come(1150)
    expect([...queue.principals.keys()]).toEqual(['bert'])
  })

  it('forgets a window to which its siblings owe nothing, and keeps the others', () => {
    const { queue, add } = open()
    add('anna', 'w1', 'a0')
    const job = queue.peek()
    if (job === null) throw new Error('nobody waits')
    queue.start(job)
    add('anna', 'w2', 'b0')
    queue.finish(job, 0, 0)
    queue.sweep(0)
    expect([...(queue.principals.get('anna')?.clients.keys() ?? [])]).toEqual(['w2'])
  })

  it('counts what was served to a window too, and a cancelled job is gone', () => {
    const { queue, add } = open()
    for (const name of ['a0', 'a1']) add('anna', 'w', name)
    const [first, second] = [...queue.jobs()]
    if (!first || !second) throw new Error('nobody waits')
    queue.start(first)
    queue.finish(first, 25, 0)
    expect(queue.principals.get('anna')?.clients.get('w')?.served).toBe(25)
    queue.cancel(second)
    expect(second.state).toBe('gone')
  })

  it('bills a class for what its jobs really took: a long batch job is paid for before the next', () => {
    const { queue, add, start } = open()
    add('anna', 'w', 'batch', { class: 'batch' })
    const long = queue.peek()
    if (long === null) throw new Error('nobody waits')
    queue.start(long)
    for (let i = 0; i < 20; i++) add('anna', 'w', 'batch', { class: 'batch' })
    for (let i = 0; i < 20; i++) add('anna', 'w', 'now')
    queue.finish(long, 100, 0)
    expect(start(20).filter((name) => name === 'batch')).toEqual([])
  })

  it('takes from nobody else what a principal has too much of, however little they may have', () => {
    const { add } = open({ principalJobsMax: 3 })
    for (const name of ['b0', 'b1', 'b2']) add('bert', 'w', name, { principalWeight: 0.1 })
    for (const name of ['a0', 'a1', 'a2']) add('anna', 'greedy', name)
    expect(add('anna', 'modest', 'm0')).toMatchObject({ eviction: { job: { payload: 'a2' } } })
  })

  it('gives up the newest of both classes of whoever has most for its weight', () => {
    const [now, later] = ['interactive', 'batch'] as const
    for (const classes of [
      [now, now, later],
      [later, now, later],
      [now, later, now],
      [later, later, now],
    ]) {
      const { add } = open({ jobsMax: 7 })
      for (let i = 0; i < 4; i++) add('bert', 'w', 'b', { principalWeight: 2 })
      for (const [index, each] of classes.entries()) add('carl', 'w', `c${index}`, { class: each })
      expect(add('anna', 'w', 'a0')).toMatchObject({ eviction: { job: { payload: 'c2' } } })
    }
  })

  it('names of the jobs that a bound counts the one that starts next', () => {
    const { queue, add, start } = open({ principalJobsMax: 2, clientJobsMax: 1 })
    add('anna', 'w1', 'a0')
    start(1)
    add('bert', 'w', 'b0')
    add('anna', 'w1', 'a1')
    add('anna', 'w2', 'm0')
    const next = (client: string) => add('anna', client, 'more')
    // Window 1 has one running, so window 2 is before it; Bert is before both, and none of Anna's bounds counts him.
    expect(next('w1')).toMatchObject({ full: { scope: 'client' }, next: { payload: 'a1' } })
    expect(next('w3')).toMatchObject({ kind: 'full', full: { scope: 'principal' }, next: { payload: 'm0' } })
    queue.setOrder('first-come')
    expect(next('w3')).toMatchObject({ kind: 'full', full: { scope: 'principal' }, next: { payload: 'a1' } })
    expect(next('w2')).toMatchObject({ full: { scope: 'client' }, next: { payload: 'm0' } })
  })

  it('foretells with weights, too, as it then happens', () => {
    const { queue, add, start } = open()
    const placings = [
      ...['b0', 'b1', 'b2'].map((name) => add('bert', 'w', name)),
      ...['a0', 'a1', 'a2', 'a3'].map((name) => add('anna', 'w', name, { principalWeight: 2 })),
    ]
    const foretold = placings.map((placing) =>
      placing.kind === 'queued' ? ([placing.job.payload, queue.ahead(placing.job).jobs] as const) : ['', 0],
    )
    const happened = start(7)
    expect(Object.fromEntries(foretold)).toEqual(
      Object.fromEntries(happened.map((name, index) => [name, index])),
    )
  })

  it('foretells nothing ahead but what is really before it: not who has had more, and jobs that cost nothing by their number', () => {
    const { queue, add, start } = open()
    add('bert', 'w', 'b0', { estimate: 100 })
    start(1)
    add('bert', 'w', 'b1')
    const first = add('anna', 'w', 'a0')
    if (first.kind !== 'queued') throw new Error('it was refused')
    expect(queue.ahead(first.job)).toMatchObject({ jobs: 0, work: 0 })
    const { queue: free, add: give } = open()
    give('anna', 'w', 'a0', { estimate: 0 })
    const second = give('bert', 'w', 'b0', { estimate: 0 })
    if (second.kind !== 'queued') throw new Error('it was refused')
    expect(free.ahead(second.job)).toMatchObject({ jobs: 1, work: 0 })
  })

  it('expects of all that wait what is newly known, and of nobody anything when nobody waits', () => {
    const { queue, add } = open()
    for (const estimate of [0.1, 0.2, 0.3]) add('anna', 'w', 'a', { estimate, holdMs: estimate })
    const last = add('bert', 'w', 'b0')
    if (last.kind !== 'queued') throw new Error('it was refused')
    queue.reestimate(() => ({ estimate: 7, holdMs: 5 }))
    expect(queue.ahead(last.job)).toEqual({ jobs: 1, work: 7, holdMs: 5, knownMs: 0 })
    const { queue: other, add: give } = open()
    for (const estimate of [0.1, 0.2, 0.3])
      give('anna', 'w', 'a', { estimate, holdMs: estimate, knownMs: estimate })
    for (const job of [...other.jobs()]) other.cancel(job)
    expect(other.principals.get('anna')).toMatchObject({ jobs: 0, work: 0, holdMs: 0, knownMs: 0 })
  })

  it('counts whoever was put back among those who share, and lets newcomers stand where an equal share would', () => {
    const { queue, add, start } = open()
    add('anna', 'w', 'a0')
    const first = queue.peek()
    if (first === null) throw new Error('nobody waits')
    queue.start(first)
    for (const name of ['b0', 'b1']) add('bert', 'w', name)
    const second = queue.peek()
    start(1)
    queue.putBack(first)
    if (second === null) throw new Error('nobody waits')
    queue.finish(second, 10, 0)
    add('carl', 'w', 'c0')
    // Ten were given while two shared.
    expect(queue.principals.get('carl')?.virtual).toBe(5)
  })

  it('leaves nothing charged that was only expected, down to the last fraction', () => {
    const { queue, add } = open()
    for (const estimate of [0.1, 0.2, 0.3]) add('anna', 'w', 'a', { estimate })
    const jobs = [...queue.jobs()]
    for (const job of jobs) queue.start(job)
    for (const job of jobs) queue.finish(job, 1, 0)
    expect(queue.principals.get('anna')).toMatchObject({ unsettled: 0, inFlight: 0 })
  })

  it('shows whose turn it is among those of one client, and nobody where it does not wait', () => {
    const { queue, add, start } = open()
    const nextOf = (principal: string, key: string) => queue.nextOf({ key, principal: { key: principal } })
    expect([queue.peek(), nextOf('bert', 'w')]).toEqual([null, null])
    for (const name of ['b0', 'b1']) add('bert', 'w', name)
    add('anna', 'w', 'a0')
    expect(nextOf('bert', 'w')).toMatchObject({ payload: 'b0' })
    expect(nextOf('anna', 'w')).toMatchObject({ payload: 'a0' })
    start(2)
    expect([nextOf('anna', 'w'), nextOf('anna', 'other'), nextOf('carl', 'w')]).toEqual([null, null, null])
  })

  it('takes from nobody for a window that has as many as it may, whoever has more', () => {
    const { add } = open({ clientJobsMax: 1 })
    for (const client of ['w1', 'w2', 'w3']) add('bert', client, client)
    add('anna', 'light', 'l0', { clientWeight: 0.1 })
    add('anna', 'w', 'a0')
    expect(add('anna', 'w', 'a1')).toMatchObject({ kind: 'full', full: { scope: 'client' } })
  })

  it('remembers of too many windows those that have had most, and those that run', () => {
    const { queue, add } = open()
    const run = (client: string): QueuedJob<string> => {
      const placing = add('anna', client, client, client === 'runs' ? { clientWeight: 1e9 } : {})
      if (placing.kind === 'full') throw new Error('it was refused')
      queue.start(placing.job)
      return placing.job
    }
    run('runs')
    // Beside the share of the one that runs the others' service is nothing: each is in its own debt.
    const come = (n: number): void => queue.finish(run(`w${n}`), n, 0)
    for (let n = 1; n <= 255; n++) come(n)
    const windows = () => [...(queue.principals.get('anna')?.clients.keys() ?? [])]
    expect(windows()).toHaveLength(256)
    come(1)
    expect(windows()).toHaveLength(256)
    come(256)
    const most = Array.from({ length: 64 }, (_, n) => `w${n + 192}`)
    expect(windows().toSorted()).toEqual(['runs', ...most, 'w256'].toSorted())
  })
})
