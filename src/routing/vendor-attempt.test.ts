// What a group and a caller learn of the attempts of a stay, in virtual time.

import { describe, expect, it } from 'vitest'
import { leaseRequestOf } from '../admission/lease-request-of.ts'
import { leased } from '../admission/small-group.ts'
import type { Attempt, Job, StreamPart } from '../providers/provider.ts'
import { chat, StayAtVendor, says, type VendorPlay } from './stay-at-vendor.ts'

const search: Job = { kind: 'search', query: 'q', count: 1 }
const page: Job = { kind: 'read', url: 'https://page.example' }
const finish: StreamPart = { type: 'finish', reason: 'stop' }

describe('the group', () => {
  it('hears what the vendor says of its limits, as long as the job has a slot there', async () => {
    const stay = new StayAtVendor()
    const lease = await stay.acquire()
    let tells = (_left: number): void => expect.fail('the attempt has not begun')
    await stay.attempt(function* ({ onLimits }) {
      tells = (left) =>
        onLimits?.({
          requests: { limit: 60, remaining: left, resetMs: 30_000 },
          tokens: null,
          concurrency: null,
        })
      tells(41)
      yield finish
    })
    expect(stay.remaining('requests')).toBe(41)
    lease.release()
    tells(7)
    expect(stay.remaining('requests')).toBe(41)
  })

  // Its ceiling falls to 5 when first tokens come lastingly late while all slots are taken.
  const learned = { concurrency: { default: null, byModel: {} }, learnFrom: 6 } as const
  const late = async (stay: StayAtVendor, of: readonly (readonly [number, string])[]) => {
    await stay.clock.advance(10_000)
    const lease = await stay.acquire()
    const others = await Promise.all(
      Array.from({ length: 5 }, () => leased(stay.group.acquire(leaseRequestOf()))),
    )
    for (const [ms, model] of of) {
      stay.firstPartMs = ms
      await stay.attempt(says, { model })
    }
    const { capacity } = stay.group
    for (const each of [lease, ...others]) each.release()
    return capacity
  }
  const times = (count: number, ms: number, model = 'm') =>
    Array.from({ length: count }, () => [ms, model] as const)

  it('learns from the first tokens of a model, each model by its own measure', async () => {
    const slowed = [...times(20, 100), ...times(20, 1_000)]
    expect(await late(new StayAtVendor({ settings: learned }), slowed)).toBe(5)
    const two = [...times(20, 100), ...times(20, 1_000, 'slow')]
    expect(await late(new StayAtVendor({ settings: learned }), two)).toBe(6)
  })

  it('learns nothing from the first part of a page or a search, which is the whole', async () => {
    for (const job of [search, page]) {
      const stay = new StayAtVendor({ job, settings: learned })
      expect(await late(stay, [...times(20, 100), ...times(20, 1_000)])).toBe(6)
    }
  })

  it('is as full as it has jobs, those that wait as well', async () => {
    const stay = new StayAtVendor({
      settings: { concurrency: { default: 2, byModel: {} } },
    })
    expect(stay.site.load(stay.candidate)).toEqual({ inFlight: 0, capacity: 2, waitMs: 0 })
    const lease = await stay.acquire()
    const other = await leased(stay.group.acquire(leaseRequestOf()))
    const third = stay.group.acquire(leaseRequestOf({ signal: stay.live.signal }))
    expect(stay.site.load(stay.candidate)).toEqual({ inFlight: 3, capacity: 2, waitMs: 0 })
    stay.live.abort('gone')
    await expect(third).rejects.toBe('gone')
    for (const each of [lease, other]) each.release()
  })
})

it('a group whose rates are used up says so, with all its slots free', async () => {
  const stay = new StayAtVendor({ requestsPerMinute: 6 })
  const lease = await stay.acquire()
  await stay.attempt(says)
  lease.release()
  expect(stay.site.load(stay.candidate)).toEqual({ inFlight: 0, capacity: 1, waitMs: 10_000 })
  // More than a whole day of this account.
  const large = new StayAtVendor({ job: { ...chat, outputTokensMax: 100_001 } })
  expect(large.site.load(large.candidate)).toMatchObject({ waitMs: Number.POSITIVE_INFINITY })
})

describe('the caller', () => {
  it('is told of the attempt and of what is written for it', async () => {
    const stay = new StayAtVendor()
    const lease = await stay.acquire()
    expect(await stay.attempt(says, { number: 3 })).toMatchObject({
      text: 'some words',
      finish: 'stop',
      provider: 'glm',
      model: 'm',
    })
    lease.release()
    expect(stay.told).toEqual([
      { kind: 'started', provider: 'glm', model: 'm', attempt: 3 },
      { kind: 'first-token', provider: 'glm', attempt: 3 },
      { kind: 'text', text: 'some words', attempt: 3 },
    ])
    expect(stay.ended).toMatchObject([[{ outcome: 'done' }, 0]])
    expect(stay.site.isCommitted()).toBe(false)
  })

  it('is not shown a page as it comes', async () => {
    const stay = new StayAtVendor({ job: page })
    const lease = await stay.acquire()
    await stay.attempt(says)
    lease.release()
    expect(stay.told.map(({ kind }) => kind)).toEqual(['started', 'first-token'])
  })

  it('is told what it waits for, and how long in seconds', () => {
    const stay = new StayAtVendor()
    const obstacle = { code: 'rate-limited', says: 'glm asked us to wait', failure: null } as const
    for (const waitMs of [null, 20, 61_400]) stay.site.onWait({ ...obstacle, waitMs })
    expect(stay.told).toEqual([
      { kind: 'working', message: 'glm asked us to wait; trying again soon' },
      { kind: 'working', message: 'glm asked us to wait; trying again in about 1 s' },
      { kind: 'working', message: 'glm asked us to wait; trying again in about 61 s' },
    ])
  })

  it('is no vendor’s: that one gets a key of the account, an opaque name, and tells when it begins', async () => {
    const stay = new StayAtVendor()
    const lease = await stay.acquire()
    let asked: Partial<Attempt> = {}
    await stay.attempt(
      function* (given) {
        asked = given
        given.onBegin?.()
        yield finish
      },
      { keyIndex: 1 },
    )
    expect(asked).toMatchObject({
      apiKey: 'key-1',
      requestId: 'request-1',
      endUser: 'user of anna',
      lane: 'anna\nw1',
    })
    expect(stay.begun).toBe(1)
    await stay.attempt(
      function* (given) {
        asked = given
        yield finish
      },
      { keyIndex: 2 },
    )
    expect(asked.apiKey).toBeNull()
    lease.release()
  })

  it('pays by the character for what a model writes, and not for a page', async () => {
    for (const [job, chars] of [
      [chat, 10],
      [search, 10],
      [page, 0],
    ] as const) {
      const stay = new StayAtVendor({ job })
      const lease = await stay.acquire()
      await stay.attempt(says)
      lease.release()
      expect(stay.chars).toBe(chars)
    }
  })

  it('is given no call of a tool for an answer, unless it offered some', async () => {
    const tool = { name: 'look', description: 'Looks.', parameters: {} }
    const callsTool: VendorPlay = function* () {
      yield { type: 'finish', reason: 'tool-use' }
    }
    const outcomeOf = async (job: Job) => {
      const stay = new StayAtVendor({ job })
      const lease = await stay.acquire()
      const outcome = await stay.attempt(callsTool)
      lease.release()
      return outcome
    }
    expect(await outcomeOf({ ...chat, tools: [tool] })).toMatchObject({ finish: 'tool-use', text: '' })
    expect(await outcomeOf({ ...chat, tools: [] })).toMatchObject({ code: 'malformed-output' })
    expect(await outcomeOf(chat)).toMatchObject({ code: 'malformed-output' })
  })
})
