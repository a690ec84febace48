import { describe, expect, it } from 'vitest'
import { MeanTime } from './mean-time.ts'

function seen(...tookMs: readonly number[]): MeanTime {
  const time = new MeanTime()
  for (const each of tookMs) time.add(each)
  return time
}

describe('a mean time', () => {
  it('is nothing before the first, and then its own', () => {
    expect(seen().meanMs).toBeNull()
    expect(seen(2000).meanMs).toBe(2000)
    expect(seen(0).meanMs).toBe(0)
  })

  it('is the median of the first five, of two in the middle the shorter, and sure from the fifth on', () => {
    expect(seen(5000, 100).meanMs).toBe(100)
    expect(seen(5000, 100, 4000).meanMs).toBe(4000)
    const four = seen(5000, 100, 4000, 200)
    expect([four.meanMs, four.isSure]).toEqual([200, false])
    const five = seen(5000, 100, 4000, 200, 300)
    expect([five.meanMs, five.isSure]).toEqual([300, true])
  })

  it('then moves by a fifth of the way to the next, and to no more than three times the mean or a second', () => {
    expect(seen(1000, 1000, 1000, 1000, 1000, 2000).meanMs).toBe(1200)
    expect(seen(1000, 1000, 1000, 1000, 1000, 240_000).meanMs).toBe(1400)
    expect(seen(0, 0, 0, 0, 0, 240_000).meanMs).toBe(200)
  })
})
