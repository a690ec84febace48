import { describe, expect, it } from 'vitest'
import { toRate } from './gcra.ts'
import { TokenBucket } from './token-bucket.ts'

// 60 a minute: one unit is back each second; ten at once.
const rate = toRate(60, 10)

describe('token bucket', () => {
  it('says how long a cost must wait, 0 when it fits now, and null when it never will', () => {
    const bucket = new TokenBucket(rate)
    expect(bucket.waitMs(10, 0)).toBe(0)
    bucket.take(10, 0)
    expect(bucket.waitMs(1, 0)).toBe(1000)
    expect(bucket.waitMs(3, 500)).toBe(2500)
    expect(bucket.waitMs(1, 1000)).toBe(0)
    expect(bucket.waitMs(11, 1e9)).toBeNull()
  })

  it('says how long a cost above the burst takes in pieces', () => {
    const bucket = new TokenBucket(rate)
    expect(bucket.queueMs(10, 0)).toBe(0)
    expect(bucket.queueMs(25, 0)).toBe(15_000)
    bucket.take(10, 0)
    expect(bucket.queueMs(25, 0)).toBe(25_000)
  })

  it('counts what is used, and open draws until they are settled', () => {
    const bucket = new TokenBucket(rate)
    const draw = bucket.take(4, 0)
    expect(bucket.used(0)).toBe(4)
    expect(bucket.used(1000)).toBe(3)
    expect(bucket.open).toBe(1)
    bucket.settle(draw, 4)
    expect(bucket.used(1000)).toBe(3)
    expect(bucket.open).toBe(0)
  })

  it('gives back what was not used, and lets later draws wait for what was used too much', () => {
    const bucket = new TokenBucket(rate)
    const saved = bucket.take(8, 0)
    bucket.settle(saved, 2)
    expect(bucket.used(0)).toBe(2)
    const spent = bucket.take(3, 0)
    bucket.settle(spent, 9)
    expect(bucket.waitMs(1, 0)).toBe(2000)
  })

  it('never gives back what time has given back already', () => {
    const bucket = new TokenBucket(rate)
    const old = bucket.take(10, 0)
    bucket.take(10, 20_000)
    bucket.settle(old, 0)
    // The old draw has long been forgotten; the later one alone counts.
    expect(bucket.used(20_000)).toBe(10)
  })

  it('lets a correction of one draw count for those that were open before it', () => {
    const bucket = new TokenBucket(rate)
    const first = bucket.take(2, 0)
    const second = bucket.take(6, 0)
    bucket.settle(second, 1)
    bucket.settle(first, 0)
    expect(bucket.used(0)).toBe(1)
    const [third, fourth, fifth] = [bucket.take(1, 0), bucket.take(1, 0), bucket.take(1, 0)]
    bucket.settle(fourth, 4)
    bucket.settle(third, 0)
    bucket.settle(fifth, 0)
    expect(bucket.used(0)).toBe(5)
  })

  it('goes on from the state of an earlier life', () => {
    const bucket = new TokenBucket(rate)
    bucket.take(10, 0)
    const next = new TokenBucket(rate, bucket.arrival)
    expect(next.used(0)).toBe(10)
    expect(next.waitMs(1, 0)).toBe(1000)
  })
})
