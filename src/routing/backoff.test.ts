import { describe, expect, it } from 'vitest'
import { backoffMs } from './backoff.ts'

describe('backoff', () => {
  it('is anything up to 250 ms, twice as much with each retry, and eight seconds at most', () => {
    const longest = [0, 1, 2, 5, 6].map((retry) => backoffMs(retry, () => 1))
    expect(longest).toEqual([250, 500, 1000, 8000, 8000])
    expect(backoffMs(3, () => 0)).toBe(0)
    expect(backoffMs(3, () => 0.5)).toBe(1000)
  })
})
