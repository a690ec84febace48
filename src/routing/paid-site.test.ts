// A site whose attempts are paid for: what is set aside when, whose it is, and that none of it stays behind.

import { describe, expect, it } from 'vitest'
import type { Identity } from '../domain/identity.ts'
import { identityOf } from '../domain/identity-of.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { AttemptEnd } from './attempt-end.ts'
import { attemptEndOf } from './attempt-end-of.ts'
import type { AttemptInput } from './attempt-run.ts'
import type { AttemptLease, JobSite } from './job-plan.ts'
import { PaidSite } from './paid-site.ts'
import type { Target } from './target.ts'
import { targetOf } from './target-of.ts'

const glm = targetOf()
const kimi = targetOf({ provider: 'kimi', accountName: 'kimi/main', group: 'kimi/main' })
const [anna, bert] = [identityOf('anna'), identityOf('bert')]
const none: Refusal = {
  kind: 'refusal',
  reason: 'rate-limited',
  scope: 'principal',
  dimension: 'dollars a month',
  limit: 1,
  used: 1,
  retryAfterMs: 1_000,
  message: 'Your money is used up.',
}
const full: Refusal = { ...none, reason: 'queue-full', scope: 'provider', message: 'There is no room.' }
const signal = new AbortController().signal
const input: AttemptInput = {
  id: 'request-1',
  number: 1,
  keyIndex: 0,
  outputTokensMax: 100,
  untilAt: () => 240_000,
  signal,
  meter: { began: () => {}, firstPart: () => 0, usage: () => {}, outputChars: () => {} },
}

interface World {
  readonly site?: Partial<JobSite<Target, string>>
  /** Whose attempts cost nothing. */
  readonly free?: string
  readonly barOf?: (payer: Identity) => Refusal | null
}

/** Every attempt costs 1, of a budget for each payer; each cost, and what became of it, is written down. */
function open({ site: more = {}, free, barOf }: World = {}) {
  const left = new Map([
    ['anna', 10],
    ['bert', 10],
  ])
  const book: string[] = []
  const ends: AttemptEnd[] = []
  const setAside = (target: Target, cap: number | null, { principal }: Identity) => {
    if (principal === free) return null
    const name = `${principal} ${target.group} ${cap}`
    const count = (by: number): void => void left.set(principal, (left.get(principal) ?? 0) + by)
    if ((left.get(principal) ?? 0) < 1) return none
    count(-1)
    book.push(`${name} set aside`)
    return {
      settle: (end: AttemptEnd) => void book.push(`${name} settled ${end.outcome}`),
      release: () => {
        count(1)
        book.push(`${name} released`)
      },
      suspend: () => {
        count(1)
        book.push(`${name} suspended`)
        return () => {
          count(-1)
          book.push(`${name} resumed`)
        }
      },
    }
  }
  let held = 0
  const lease = (): AttemptLease => {
    held++
    return {
      release: () => {
        held--
      },
      refusedByVendor: async () => {
        held--
        return lease()
      },
    }
  }
  const paid = new PaidSite<Target, string>(
    {
      acquire: async () => lease(),
      run: async ({ provider }) => `an answer of ${provider}`,
      load: () => ({ inFlight: 3, capacity: 4 }),
      isCommitted: () => false,
      emit: (end) => void ends.push(end),
      ...more,
    },
    setAside,
    anna,
    ...(barOf ? [barOf] : []),
  )
  const acquire = async (target: Target = glm): Promise<AttemptLease> => {
    const answer = await paid.acquire(target, signal, null)
    return 'release' in answer ? answer : expect.fail(answer.message)
  }
  /** One attempt on the slot, and its end told as the retry loop does. */
  const attempt = async (target: Target = glm, outcome: AttemptEnd['outcome'] = 'done') => {
    const answer = await paid.run(target, input).catch((error: unknown) => error)
    await paid.emit(attemptEndOf(typeof answer === 'string' ? outcome : 'refused', { target }))
    return answer
  }
  /** What was written since the last look. */
  const written = (): readonly string[] => book.splice(0)
  return { paid, left, written, ends, acquire, attempt, held: () => held }
}

describe('what an attempt may cost', () => {
  it('is set aside before its slot is waited for, and settled at its end', async () => {
    const { acquire, attempt, written, ends, held } = open()
    const lease = await acquire()
    expect(written()).toEqual(['anna glm/main null set aside'])
    expect(await attempt()).toBe('an answer of glm')
    expect(written()).toEqual(['anna glm/main null settled done'])
    expect(ends).toHaveLength(1)
    lease.release()
    expect(written()).toEqual([])
    expect(held()).toBe(0)
  })

  it('is set aside anew for every further attempt on the slot, with the cap that it has', async () => {
    const { acquire, attempt, written } = open()
    const lease = await acquire()
    await attempt(glm, 'empty-output')
    await attempt(glm, 'done')
    lease.release()
    expect(written()).toEqual([
      'anna glm/main null set aside',
      'anna glm/main null settled empty-output',
      'anna glm/main 100 set aside',
      'anna glm/main 100 settled done',
    ])
  })

  it('goes back where no attempt was made, once, however often the slot is given back', async () => {
    const { acquire, written } = open()
    const lease = await acquire()
    lease.release()
    lease.release()
    expect(written()).toEqual(['anna glm/main null set aside', 'anna glm/main null released'])
  })

  it('goes back where there is no slot', async () => {
    const gone = new Error('gone')
    for (const [answer, site] of [
      [full, { acquire: async () => full }],
      [gone, { acquire: () => Promise.reject(gone) }],
    ] as const) {
      const { paid, written } = open({ site })
      expect(await paid.acquire(glm, signal, 7).catch((error: unknown) => error)).toBe(answer)
      expect(written()).toEqual(['anna glm/main 7 set aside', 'anna glm/main 7 released'])
    }
  })

  it('is paid for anew by a job that its vendor sent back, and stays whole where it is taken back no more', async () => {
    const { acquire, attempt, written, held } = open()
    const lease = await acquire()
    await attempt(glm, 'concurrency-limited')
    const again = await lease.refusedByVendor()
    if (!('release' in again)) return expect.fail(again.message)
    await attempt()
    again.release()
    expect(written()).toEqual([
      'anna glm/main null set aside',
      'anna glm/main null settled concurrency-limited',
      'anna glm/main 100 set aside',
      'anna glm/main 100 settled done',
    ])
    expect(held()).toBe(0)
    const refusing = { release: () => {}, refusedByVendor: async () => full }
    const other = open({ site: { acquire: async () => refusing } })
    expect(await (await other.acquire()).refusedByVendor()).toBe(full)
  })

  it('bars the slot where it is too much, and is not waited for', async () => {
    const { paid, left } = open({ site: { acquire: () => expect.fail('it waits for a slot') } })
    left.set('anna', 0)
    expect(await paid.acquire(glm, signal, null)).toBe(none)
  })

  it('bars a further attempt where it is too much: that is not begun, and the one before is not settled twice', async () => {
    const { acquire, attempt, written, left, ends } = open()
    left.set('anna', 1)
    const lease = await acquire()
    await attempt(glm, 'truncated')
    expect(await attempt()).toMatchObject({
      code: 'refused',
      message: none.message,
      refusal: none,
      retryable: true,
    })
    lease.release()
    expect(written()).toEqual(['anna glm/main null set aside', 'anna glm/main null settled truncated'])
    expect(ends.map(({ outcome }) => outcome)).toEqual(['truncated', 'refused'])
  })

  it('may be nothing', async () => {
    const { acquire, attempt, written, held, paid } = open({ free: 'anna' })
    const lease = await acquire()
    expect(await attempt()).toBe('an answer of glm')
    lease.release()
    ;(await acquire()).release()
    expect(paid.chargeTo(bert)).toBeNull()
    expect(written()).toEqual([])
    expect(held()).toBe(0)
  })
})

describe('another payer', () => {
  it('pays for all that waits and runs, and for what comes', async () => {
    const { paid, acquire, attempt, written, left } = open()
    const [first, second] = [await acquire(glm), await acquire(kimi)]
    const running = paid.run(glm, input)
    written()
    expect(paid.chargeTo(bert)).toBeNull()
    expect(written()).toEqual([
      'anna glm/main null suspended',
      'bert glm/main null set aside',
      'anna kimi/main null suspended',
      'bert kimi/main null set aside',
    ])
    await running
    await paid.emit(attemptEndOf('truncated', { target: glm }))
    await attempt(glm, 'truncated')
    first.release()
    second.release()
    expect(written()).toEqual([
      'bert glm/main null settled truncated',
      'bert glm/main 100 set aside',
      'bert glm/main 100 settled truncated',
      'bert kimi/main null released',
    ])
    expect(Object.fromEntries(left)).toEqual({ anna: 10, bert: 8 })
  })

  it('who cannot pay for all pays for nothing, and is told why', async () => {
    const { paid, acquire, written, left } = open()
    const leases = [await acquire(glm), await acquire(kimi)]
    left.set('bert', 1)
    written()
    expect(paid.chargeTo(bert)).toBe(none)
    expect(written()).toEqual([
      'anna glm/main null suspended',
      'bert glm/main null set aside',
      'anna kimi/main null suspended',
      'anna kimi/main null resumed',
      'bert glm/main null released',
      'anna glm/main null resumed',
    ])
    expect(Object.fromEntries(left)).toEqual({ anna: 8, bert: 1 })
    for (const lease of leases) lease.release()
    expect(written()).toEqual(['anna glm/main null released', 'anna kimi/main null released'])
  })

  it('may be one for whom it costs nothing, or inherit from one', async () => {
    const freed = open({ free: 'bert' })
    const lease = await freed.acquire()
    expect(freed.paid.chargeTo(bert)).toBeNull()
    await freed.attempt()
    lease.release()
    expect(freed.written()).toEqual(['anna glm/main null set aside', 'anna glm/main null suspended'])

    const priced = open({ free: 'anna' })
    const leases = [await priced.acquire(glm), await priced.acquire(kimi)]
    priced.left.set('bert', 1)
    expect(priced.paid.chargeTo(bert)).toBe(none)
    priced.left.set('bert', 2)
    expect(priced.paid.chargeTo(bert)).toBeNull()
    for (const each of leases) each.release()
    expect(Object.fromEntries(priced.left)).toEqual({ anna: 10, bert: 2 })
  })

  it('who costs nothing for one attempt and cannot pay the other changes nothing', async () => {
    // Only what goes to kimi costs bert anything, and that too much.
    const moves: string[] = []
    const money = {
      settle: () => {},
      release: () => void moves.push('released'),
      suspend: () => {
        moves.push('suspended')
        return () => void moves.push('resumed')
      },
    }
    const paid = new PaidSite<Target, string>(
      {
        acquire: async () => ({ release: () => {}, refusedByVendor: async () => full }),
        run: async () => '',
        load: () => ({ inFlight: 0, capacity: 1 }),
        isCommitted: () => false,
        emit: () => {},
      },
      ({ group }, _cap, { principal }) => (principal === 'anna' ? money : group === 'glm/main' ? null : none),
      anna,
    )
    await paid.acquire(glm, signal, null)
    await paid.acquire(kimi, signal, null)
    expect(paid.chargeTo(bert)).toBe(none)
    expect(moves).toEqual(['suspended', 'suspended', 'resumed', 'resumed'])
  })

  it('between two attempts must be able to pay for the next; after the answer nobody must', async () => {
    const asked: string[] = []
    const barOf = ({ principal }: Identity): Refusal => {
      asked.push(principal)
      return none
    }
    const { paid, acquire, attempt, written } = open({ barOf })
    expect(paid.chargeTo(bert)).toBe(none)
    const lease = await acquire()
    // What is set aside says it.
    expect(paid.chargeTo(anna)).toBeNull()
    expect(asked).toEqual(['bert'])
    await attempt(glm, 'truncated')
    expect(paid.chargeTo(bert)).toBe(none)
    await attempt()
    expect(paid.chargeTo(bert)).toBeNull()
    lease.release()
    expect(asked).toEqual(['bert', 'bert'])
    expect(written().filter((line) => line.startsWith('bert'))).toEqual([])
    expect(open().paid.chargeTo(bert)).toBeNull()
  })
})

it('all else is as at the site that it pays for', async () => {
  const told: unknown[] = []
  const obstacle = { code: 'rate-limited', says: 'glm asked us to wait', waitMs: 1, failure: null } as const
  const row = Promise.resolve()
  const site = {
    ready: async (target: Target, _signal: AbortSignal, cap: number | null) =>
      target === glm && cap === 7 ? full : null,
    isCommitted: () => true,
    onWait: (each: unknown) => told.push(each),
    emit: () => row,
  }
  const { paid } = open({ site })
  expect(await paid.ready(glm, signal, 7)).toBe(full)
  expect(await paid.ready(kimi, signal, 7)).toBeNull()
  expect(paid.isCommitted()).toBe(true)
  expect(paid.load(glm)).toEqual({ inFlight: 3, capacity: 4 })
  paid.onWait(obstacle)
  expect(told).toEqual([obstacle])
  expect(paid.emit(attemptEndOf('done'))).toBe(row)

  const plain = open().paid
  expect(await plain.ready(glm, signal, 7)).toBeNull()
  expect(plain.isCommitted()).toBe(false)
  plain.onWait(obstacle)
})
