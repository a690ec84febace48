// What somebody who waits for rates that several groups share is told, and is refused for.

import { describe, expect, it } from 'vitest'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { AccountGroups } from './account-groups.ts'
import { AccountRates } from './account-rates.ts'
import { FairQueue, type QueueOrder } from './fair-queue.ts'
import { toGroupPlan } from './group-plan.ts'
import type { LeaseRequest } from './lease.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import type { QueuePlace } from './queue-place.ts'
import type { QueuedJob } from './queue-tree.ts'
import type { RatesGuest, RatesJob, RatesPayer } from './rates-guest.ts'
import { RatesLine } from './rates-line.ts'

/** An account that takes so much a minute; each job holds its slot for a second. */
function open(limits: { requestsPerMinute?: number; tokensPerMinute?: number }, concurrency = 50) {
  const clock = new VirtualClock()
  const counts = { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null, refundsTokens: true }
  const plan = toGroupPlan({
    per: 'model',
    concurrency: { default: concurrency, byModel: {} },
    rates: { ...counts, ...limits },
    waitMsMax: 120_000,
    costs: limits.tokensPerMinute === undefined ? 'slot-time' : 'tokens',
  })
  const groups = new AccountGroups('glm/main', plan, clock, () => 0.5)
  /** Asks, and answers with what was said and heard meanwhile. */
  const ask = (principal: string, model: string, wish: Partial<LeaseRequest> = {}) => {
    const places: QueuePlace[] = []
    const told: { readonly places: QueuePlace[]; startedAt: number | null; refusal: Refusal | null } = {
      places,
      startedAt: null,
      refusal: null,
    }
    const request = leaseRequestOf({
      principal,
      client: 'w1',
      outputTokensMax: 0,
      deadlineAt: Number.POSITIVE_INFINITY,
      onPlace: (place) => places.push(place),
      ...wish,
    })
    void groups
      .groupFor(model)
      .acquire(request)
      .then((lease) => {
        if (isRefusal(lease)) told.refusal = lease
        else {
          told.startedAt = clock.now()
          clock.after(1000, () => lease.release({ inputTokens: request.inputTokens, outputTokens: 0 }))
        }
      })
    return told
  }
  /** Lets five jobs of each model pass, so that each group knows how long they take. */
  const warmUp = async (models: readonly string[]): Promise<void> => {
    for (const model of models)
      for (let n = 0; n < 5; n++) {
        ask('before', model)
        await clock.advance(61_000)
      }
  }
  return { clock, ask, warmUp }
}
const models = Array.from({ length: 5 }, (_, n) => `glm-${n}`)

describe('the place in a line of several models', () => {
  it('counts whoever is before it for the other models, and so does its forecast', async () => {
    const { clock, ask, warmUp } = open({ requestsPerMinute: 6 })
    await warmUp(models)
    for (let n = 0; n < 10; n++) ask(`key-${n}`, models[n % 4] ?? '')
    const last = ask('last', 'glm-4')
    await clock.advance(0)
    expect(last.places).toMatchObject([{ position: 10, waiting: 10, expectedWaitMs: 100_000 }])
    const from = clock.now()
    await clock.advance(120_000)
    expect((last.startedAt ?? 0) - from).toBeGreaterThanOrEqual(100_000)
    // A minute is counted by the second.
    expect((last.startedAt ?? 0) - from).toBeLessThanOrEqual(101_000)
    const waiting = last.places.map((place) => place.waiting)
    expect(waiting).toEqual([...waiting].sort((a, b) => b - a))
    expect(last.places.at(-1)).toMatchObject({ position: 1, waiting: 1 })
  })

  it('refuses at once whoever cannot go in time, as many as if all were for one model', async () => {
    for (const used of [models.slice(0, 1), models]) {
      const { clock, ask, warmUp } = open({ requestsPerMinute: 6 })
      await warmUp(used)
      const all = Array.from({ length: 30 }, (_, n) => ask(`key-${n}`, used[n % used.length] ?? ''))
      await clock.advance(0)
      const refused = all.filter(({ refusal }) => refusal !== null)
      expect(refused).toHaveLength(17)
      expect(refused[0]?.refusal).toMatchObject({ reason: 'would-miss-deadline', retryAfterMs: 10_000 })
    }
  })

  it('is behind only those that have had no more, and counts a key by its weight, not by its models', async () => {
    const { clock, ask, warmUp } = open({ requestsPerMinute: 6 })
    await warmUp(models)
    for (let n = 0; n < 20; n++) ask('crowd', models[n % 4] ?? '', { client: `w${n % 3}` })
    const single = [ask('single', 'glm-4'), ask('single', 'glm-4')]
    await clock.advance(0)
    const from = clock.now()
    const said = single.map(({ places }) => places[0])
    await clock.advance(120_000)
    for (const [n, { startedAt }] of single.entries())
      expect(Math.abs((startedAt ?? 0) - from - (said[n]?.expectedWaitMs ?? 0))).toBeLessThanOrEqual(10_000)
    expect(said[0]?.position).toBeLessThan(4)
  })

  it('counts the tokens of those before it', async () => {
    const { clock, ask, warmUp } = open({ tokensPerMinute: 6000 })
    await warmUp(['glm-0', 'glm-1'])
    for (let n = 0; n < 9; n++) ask(`key-${n}`, 'glm-0', { inputTokens: 1000 })
    const last = ask('last', 'glm-1', { inputTokens: 1000 })
    await clock.advance(0)
    // Six of them fit at once.
    expect(last.places).toMatchObject([{ position: 4, waiting: 4 }])
    expect(last.places[0]?.expectedWaitMs).toBeGreaterThanOrEqual(40_000)
    await clock.advance(120_000)
    expect(last.startedAt).not.toBeNull()
  })

  it('counts jobs that keep a slot as before it, and its own group’s where no slot is free', async () => {
    const { clock, ask, warmUp } = open({ requestsPerMinute: 6 }, 1)
    await warmUp(['glm-0', 'glm-1'])
    ask('runs', 'glm-0')
    await clock.advance(0)
    ask('first', 'glm-1')
    ask('second', 'glm-0')
    const third = ask('third', 'glm-0')
    await clock.advance(0)
    expect(third.places[0]).toMatchObject({ position: 3, waiting: 3 })
  })
})

/** A line before a thousand tokens a minute, and groups whose jobs take a hundred each. `counts`: how often their queues were walked. */
function openLine() {
  const limits = { requestsPerMinute: null, tokensPerMinute: 1000, tokensPerDay: null, refundsTokens: true }
  const line = new RatesLine(new AccountRates(limits))
  const counted = { counts: 0 }
  const group = (order: QueueOrder = 'fair') => {
    const bounds = { clientJobsMax: 9, clientBytesMax: 9, principalJobsMax: 9, jobsMax: 9, forgetAfterMs: 1 }
    const queue = new FairQueue<RatesJob>(bounds, order)
    const guest: RatesGuest = {
      wake: () => undefined,
      queue: {
        get size() {
          return queue.size
        },
        clients: () => {
          counted.counts++
          return queue.clients()
        },
        jobs: () => queue.jobs(),
      },
    }
    const add = (principal: string, client = 'w1', since = 0): QueuedJob<RatesJob> => {
      const owner = { principal, client, class: 'interactive' } as const
      const wish = { ...owner, estimate: 100, bytes: 0, deadlineAt: Number.POSITIVE_INFINITY }
      const placing = queue.enqueue(wish, { tokens: 100, since }, 0)
      if (placing.kind === 'full') throw new Error('it was refused')
      return placing.job
    }
    const stand = (): void => line.stand(guest, 0)
    const ahead = (job: QueuedJob<RatesJob>) =>
      line.ahead(guest, { job, costs: 'tokens', inGroup: queue.ahead(job) })
    return { guest, queue, add, stand, ahead }
  }
  /** Carl's job in a third group, behind Anna's and Bert's in theirs. */
  const openThree = () => {
    const [a, b, c] = [group(), group(), group()]
    const [annas, berts, carls] = [a.add('anna'), b.add('bert'), c.add('carl')]
    for (const each of [a, b, c]) each.stand()
    return { a, b, c, annas, berts, carls }
  }
  return { line, counted, group, openThree }
}
const of = (principal: string, key = 'w1'): RatesPayer => ({
  key,
  weight: 1,
  principal: { key: principal, weight: 1 },
})

describe('what goes before a job in the line', () => {
  it('is its window’s own jobs, and those for other models as they take turns', () => {
    const { group } = openLine()
    const [a, b, c, late] = [group(), group(), group(), group()]
    const jobs = [a, b, c].map((each) => [each.add('anna'), each.add('anna'), each.add('anna')] as const)
    const first = jobs[0]?.[0]
    // Before anybody stands there.
    expect(first && a.ahead(first)).toEqual({ jobs: 0, work: 0, waiting: 3 })
    for (const each of [a, b, c]) each.stand()
    const inTurn = [0, 1, 2].flatMap((round) =>
      [a, b, c].map((each, index) => {
        const job = jobs[index]?.[round]
        return job && each.ahead(job).jobs
      }),
    )
    expect(inTurn).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    // One whose group does not stand there yet comes after the first of each, and no group has more before it than it has.
    expect(late.ahead(late.add('anna')).jobs).toBe(3)
    late.add('anna')
    const third = late.add('anna')
    for (const job of jobs[1]?.slice(1) ?? []) b.queue.cancel(job)
    b.stand()
    expect(late.ahead(third)).toMatchObject({ jobs: 2 + 3 + 1 + 3, waiting: 10 })
  })

  it('is who of a key’s windows has had less, and then its turn', () => {
    const { line, group } = openLine()
    const [a, b] = [group(), group()]
    const one = a.add('anna', 'one')
    const two = [b.add('anna', 'two'), b.add('anna', 'two'), b.add('anna', 'two')]
    line.took(of('anna', 'one'), 500)
    for (const each of [a, b]) each.stand()
    expect(a.ahead(one).jobs).toBe(3)
    expect(two.map((job) => b.ahead(job).jobs)).toEqual([0, 1, 2])
  })

  it('is told of all that waits with one count, until something has changed', () => {
    const { counted, openThree } = openLine()
    const { c, carls } = openThree()
    counted.counts = 0
    for (let n = 0; n < 5; n++) expect(c.ahead(carls)).toEqual({ jobs: 2, work: 200, waiting: 3 })
    expect(counted.counts).toBe(3)
  })

  it('is counted again for a job that has just come, before the line is told', () => {
    const { openThree } = openLine()
    const { c, carls } = openThree()
    expect(c.ahead(carls).jobs).toBe(2)
    expect(c.ahead(c.add('dora'))).toMatchObject({ jobs: 3, waiting: 4 })
  })

  it('is counted again when somebody has had more, or gets something back', () => {
    const { line, openThree } = openLine()
    const { c, carls } = openThree()
    expect(c.ahead(carls).jobs).toBe(2)
    const charge = line.took(of('anna'), 100)
    expect(c.ahead(carls).jobs).toBe(1)
    line.settle(charge, 0)
    expect(c.ahead(carls).jobs).toBe(2)
  })

  it('is counted again when a group stands for others, or steps aside, though as many wait', () => {
    const { line, openThree } = openLine()
    line.took(of('eve'), 500)
    const { a, b, c, annas, carls } = openThree()
    expect(c.ahead(carls).jobs).toBe(2)
    a.queue.cancel(annas)
    a.add('eve')
    a.stand()
    expect(c.ahead(carls).jobs).toBe(1)
    const daves = c.add('dave')
    c.stand()
    expect(c.ahead(daves).jobs).toBe(2)
    line.leave(b.guest)
    // Behind Carl's other one and Dave's; Bert's is out of the line.
    expect(c.ahead(c.add('carl'))).toMatchObject({ jobs: 2, waiting: 4 })
  })

  it('is counted again when all begin equal, because the order is fair again', () => {
    const { line, openThree } = openLine()
    const { c, carls } = openThree()
    line.took(of('anna'), 100)
    expect(c.ahead(carls).jobs).toBe(1)
    line.setOrder('first-come')
    line.setOrder('fair')
    expect(c.ahead(carls).jobs).toBe(2)
  })

  it('is what its group says of a job that has gone meanwhile, whoever of its key still waits', () => {
    for (const waits of [false, true]) {
      const { line, openThree } = openLine()
      const { c, carls } = openThree()
      if (waits) c.add('carl', 'w2')
      c.queue.cancel(carls)
      const inGroup = { jobs: 7, work: 70, holdMs: 7, knownMs: 7 }
      const ahead = line.ahead(c.guest, { job: carls, costs: 'tokens', inGroup })
      expect(ahead).toEqual({ jobs: 7, work: 70, waiting: waits ? 3 : 2 })
    }
  })

  it('is whoever came before it, where the order is first come, first served', () => {
    const { line, group } = openLine()
    line.setOrder('first-come')
    const [a, b, c] = [group('first-come'), group('first-come'), group('first-come')]
    for (const since of [1, 5]) a.add('anna', 'w1', since)
    for (const since of [2, 6, 7]) b.add('bert', 'w1', since)
    c.add('carl', 'w1', 3)
    const job = c.add('carl', 'w1', 6)
    for (const each of [a, b, c]) each.stand()
    // One that came at the same time is not before it.
    expect(c.ahead(job)).toEqual({ jobs: 1 + 2 + 1, work: 100, waiting: 7 })
  })

  it('is every further request, and no job of the group that keeps a slot for one', () => {
    const { line, openThree } = openLine()
    const { a, b, c, carls } = openThree()
    expect(line.waiting).toBe(3)
    line.standFurther(b.guest)
    expect(line.waiting).toBe(3)
    expect(c.ahead(carls)).toMatchObject({ jobs: 2, waiting: 2 })
    line.standFurther(a.guest)
    expect(c.ahead(carls)).toMatchObject({ jobs: 2, waiting: 1 })
    b.stand()
    expect(line.waiting).toBe(3)
    expect(c.ahead(carls)).toMatchObject({ jobs: 1, waiting: 2 })
  })
})
