import { describe, expect, it } from 'vitest'
import { CountedPeriod } from './counted-period.ts'

describe('a counted period', () => {
  it('begins a new count with every period that comes', () => {
    const counted = new CountedPeriod()
    expect([0, 7, 7, 8].map((period) => counted.turnTo(period))).toEqual([false, true, false, true])
    expect([counted.period, counted.count, counted.mark()]).toEqual([8, 2, { period: 8 }])
  })

  it('goes on with its count when the clock steps back, and when it returns to where it was', () => {
    const counted = new CountedPeriod({ period: 9 })
    expect([5, 3].map((period) => counted.turnTo(period))).toEqual([false, false])
    expect(counted.mark()).toEqual({ period: 3, also: [9, 5] })
    const again = new CountedPeriod(counted.mark())
    expect([5, 9, 3].map((period) => again.turnTo(period))).toEqual([false, false, false])
    expect([again.count, again.mark()]).toEqual([0, { period: 3, also: [5, 9] }])
    expect([again.turnTo(10), again.count, again.mark()]).toEqual([true, 1, { period: 10 }])
  })

  it('begins a new count before the period that a clock was ahead, which is then a period like any other', () => {
    const counted = new CountedPeriod({ period: 5, also: [9] })
    expect([counted.turnTo(6), counted.mark()]).toEqual([true, { period: 6 }])
    expect([counted.turnTo(9), counted.count]).toEqual([true, 2])
  })

  it('remembers sixteen periods of one count', () => {
    const counted = new CountedPeriod({ period: 99 })
    for (let period = 98; period >= 84; period--) counted.turnTo(period)
    expect([counted.mark().also?.length, counted.mark().also?.[0]]).toEqual([15, 99])
    counted.turnTo(83)
    expect([counted.mark().also?.length, counted.mark().also?.[0]]).toEqual([15, 98])
  })
})
