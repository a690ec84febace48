import { describe, expect, it } from 'vitest'
import { HoldTimes } from './hold-times.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import { newWaiter, type Waiter } from './waiter.ts'

const nothing = (): void => undefined

function job(expectedMs?: number): Waiter {
  const request = leaseRequestOf(expectedMs === undefined ? {} : { expectedMs })
  return newWaiter(request, 1, 0, nothing, nothing)
}

describe('hold times', () => {
  it('believes the first guess until a job has ended, then the mean, and always a wish first', () => {
    const times = new HoldTimes(8000)
    expect(times.meanMs).toBeNull()
    expect(times.expectedMs(undefined)).toBe(8000)
    const one = job()
    times.started(one, 1000)
    expect(times.stopped(one, 3000, true)).toBe(2000)
    expect(times.meanMs).toBe(2000)
    expect(times.expectedMs(undefined)).toBe(2000)
    expect(times.expectedMs(500)).toBe(500)
    expect(times.isSure).toBe(false)
    for (let n = 0; n < 4; n++) {
      times.started(one, 0)
      times.stopped(one, 2000, true)
    }
    expect(times.isSure).toBe(true)
  })

  it('learns nothing from a job that was not served', () => {
    const times = new HoldTimes(8000)
    const one = job()
    times.started(one, 0)
    expect(times.stopped(one, 5, false)).toBe(5)
    expect(times.meanMs).toBeNull()
  })

  it('knows how much is left of all that runs, and that it is never less than nothing', () => {
    const times = new HoldTimes(8000)
    const [short, long] = [job(3000), job(10_000)]
    times.started(short, 0)
    times.started(long, 1000)
    expect(times.leftMs(1000)).toBe(2000 + 10_000)
    expect(times.leftMs(2000)).toBe(1000 + 9000)
    times.stopped(short, 2000, false)
    expect(times.leftMs(2000)).toBe(9000)
    expect(times.leftMs(50_000)).toBe(0)
    times.stopped(long, 50_000, false)
    expect(times.leftMs(0)).toBe(0)
  })

  it('thinks no longer of what runs than the mean of what has ended, but where it knows better of its kind', () => {
    const times = new HoldTimes(60_000)
    const first = job()
    const [one, other, known] = [job(), job(), job(90_000)]
    for (const each of [first, one, other, known]) times.started(each, 0)
    times.stopped(first, 1000, true)
    expect(times.leftMs(1000)).toBe(2000 + 90_000)
    times.stopped(one, 1000, false)
    expect(times.leftMs(1000)).toBe(1000 + 90_000)
    times.stopped(known, 1000, false)
    expect(times.leftMs(1000)).toBe(1000)
    const again = new HoldTimes(500)
    again.started(first, 0)
    again.started(job(), 0)
    again.stopped(first, 90_000, true)
    again.started(job(700), 90_000)
    // What was thought of the one that runs is long over.
    expect(again.leftMs(90_000)).toBe(0)
  })

  it('knows what is left at least: a sixth of what its kind takes, and nothing of what it knows nothing of', () => {
    const times = new HoldTimes(8000)
    const [unknown, known, other] = [job(), job(60_000), job(12_000)]
    times.started(unknown, 0)
    times.started(known, 1000)
    expect(times.leastLeftMs(1000)).toBe(10_000)
    times.started(other, 2000)
    expect(times.leastLeftMs(2000)).toBe(9000 + 2000)
    times.stopped(unknown, 3000, true)
    expect(times.leastLeftMs(3000)).toBe(8000 + 1000)
    times.stopped(known, 3000, true)
    expect(times.leastLeftMs(3000)).toBe(1000)
    expect(times.leastLeftMs(30_000)).toBe(0)
    times.stopped(other, 30_000, false)
    expect(times.leastLeftMs(0)).toBe(0)
  })

  it('remembers the longest that a job was expected to take', () => {
    const times = new HoldTimes(8000)
    expect(times.longestMs).toBe(0)
    for (const kindMs of [300, 700, undefined, 500]) times.came(kindMs)
    expect(times.longestMs).toBe(700)
  })

  it('expects nothing more of what has ended, down to the last fraction', () => {
    const times = new HoldTimes(8000)
    const jobs = [0.1, 0.2, 0.3].map((expectedMs) => job(expectedMs))
    for (const each of jobs) times.started(each, 0)
    for (const each of jobs) times.stopped(each, 0, false)
    expect(times.leftMs(0)).toBe(0)
    const [unknown, known, last] = [job(), job(0.1), job(0.2)]
    times.started(unknown, 0)
    for (const each of [known, last]) times.started(each, 0.1)
    for (const each of [known, last]) times.stopped(each, 0.3, false)
    expect(times.leastLeftMs(0)).toBe(0)
  })
})
