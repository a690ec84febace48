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
  })

  const seen = (...heldMs: readonly number[]): HoldTimes => {
    const times = new HoldTimes(8000)
    for (const each of heldMs) {
      const one = job()
      times.started(one, 0)
      times.stopped(one, each, true)
    }
    return times
  }

  it('believes the median of the first five, of two in the middle the shorter, and is sure from the fifth on', () => {
    expect(seen(5000, 100).meanMs).toBe(100)
    expect(seen(5000, 100, 4000).meanMs).toBe(4000)
    const four = seen(5000, 100, 4000, 200)
    expect([four.meanMs, four.isSure]).toEqual([200, false])
    const five = seen(5000, 100, 4000, 200, 300)
    expect([five.meanMs, five.isSure]).toEqual([300, true])
  })

  it('then moves the mean by a fifth of the way to what a job took, and to no more than three times the mean or a second', () => {
    expect(seen(1000, 1000, 1000, 1000, 1000, 2000).meanMs).toBe(1200)
    expect(seen(1000, 1000, 1000, 1000, 1000, 240_000).meanMs).toBe(1400)
    expect(seen(0, 0, 0, 0, 0, 240_000).meanMs).toBe(200)
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

  it('thinks no longer of what runs than the mean of what has ended', () => {
    const times = new HoldTimes(8000)
    const first = job()
    times.started(first, 0)
    times.stopped(first, 1000, true)
    times.started(job(60_000), 1000)
    times.started(job(60_000), 1000)
    expect(times.leftMs(1000)).toBe(2000)
    const again = new HoldTimes(8000)
    again.started(first, 0)
    again.stopped(first, 90_000, true)
    again.started(job(500), 90_000)
    expect(again.leftMs(90_000)).toBe(500)
  })

  it('expects nothing more of what has ended, down to the last fraction', () => {
    const times = new HoldTimes(8000)
    const jobs = [0.1, 0.2, 0.3].map((expectedMs) => job(expectedMs))
    for (const each of jobs) times.started(each, 0)
    for (const each of jobs) times.stopped(each, 0, false)
    expect(times.leftMs(0)).toBe(0)
  })
})
