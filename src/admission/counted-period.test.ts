import { describe, expect, it } from 'vitest'
import { CountedPeriod } from './counted-period.ts'

/** Of a clock that nobody sets. */
const turn = (counted: CountedPeriod, period: number, spent = 0) => counted.turnTo(period, spent, 0)

describe('a counted period', () => {
  it('begins a new count with every period that comes', () => {
    const counted = new CountedPeriod()
    expect([0, 7, 7, 8].map((period) => turn(counted, period, 5))).toEqual([null, 0, null, 0])
    expect([counted.period, counted.count, counted.mark()]).toEqual([8, 2, { period: 8 }])
  })

  it('goes on with its count when the clock steps back, and when it steps to where it was', () => {
    const counted = new CountedPeriod({ period: 9 })
    expect([counted.turnTo(5, 10, -4e8), counted.turnTo(3, 30, -6e8)]).toEqual([null, null])
    expect(counted.mark()).toEqual({ period: 3, also: [9, 5], left: [10, 30] })
    const again = new CountedPeriod(counted.mark())
    expect(again.turnTo(3, 40, -6e8)).toBe(null)
    expect([again.turnTo(5, 50, -4e8), again.turnTo(9, 60, 0), again.turnTo(3, 70, -6e8)]).toEqual([
      null,
      null,
      null,
    ])
    expect([again.count, again.mark()]).toEqual([0, { period: 3, also: [5, 9], left: [60, 70] }])
    expect([again.turnTo(10, 80, 0), again.count, again.mark()]).toEqual([0, 1, { period: 10 }])
  })

  it('begins what time brings of periods it was for with what it was when the clock left them', () => {
    const counted = new CountedPeriod({ period: 3, also: [9, 2, 5], left: [10, 15, 30] })
    expect([turn(counted, 5, 90), counted.count, counted.mark()]).toEqual([
      30,
      1,
      { period: 5, also: [9], left: [10] },
    ])
    expect([turn(counted, 9, 95), counted.count, counted.mark()]).toEqual([10, 2, { period: 9 }])
  })

  it('begins it with no more than it is now, and with all of it where nobody wrote down what it was', () => {
    expect(turn(new CountedPeriod({ period: 3, also: [5], left: [30] }), 5, 20)).toBe(20)
    expect(turn(new CountedPeriod({ period: 3, also: [5] }), 5, 90)).toBe(90)
  })

  it.each([
    [60_000, 30],
    [60_001, null],
  ])('takes %i ms between its clocks since somebody looked for what begins with %s', (ms, begun) => {
    const counted = new CountedPeriod({ period: 3, also: [5], left: [30] })
    expect([counted.turnTo(3, 90, 7000), counted.turnTo(3, 90, 100_000)]).toEqual([null, null])
    expect(counted.turnTo(5, 90, 100_000 + ms)).toBe(begun)
  })

  it('begins a new count before the period that a clock was ahead, which is then a period like any other', () => {
    const counted = new CountedPeriod({ period: 5, also: [9], left: [10] })
    expect([turn(counted, 6, 20), counted.mark()]).toEqual([0, { period: 6 }])
    expect([turn(counted, 9, 20), counted.count]).toEqual([0, 2])
  })

  it('remembers fifteen others of one count', () => {
    const counted = new CountedPeriod({ period: 99 })
    for (let period = 98; period >= 84; period--) turn(counted, period)
    expect([counted.mark().also?.length, counted.mark().also?.[0]]).toEqual([15, 99])
    turn(counted, 83)
    expect([counted.mark().also?.length, counted.mark().also?.[0]]).toEqual([15, 98])
  })
})
