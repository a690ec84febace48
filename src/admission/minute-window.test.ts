import { describe, expect, it } from 'vitest'
import { MinuteWindow } from './minute-window.ts'

describe('a minute’s window', () => {
  it('takes its limit at once, and the next when the oldest second is forgotten', () => {
    const window = new MinuteWindow(100)
    expect(window.waitMs(100, 5)).toBe(0)
    window.take(60, 5)
    window.take(40, 30_000)
    expect(window.used(30_000)).toBe(100)
    // The second that began at 0 is forgotten at 61 s, the one at 30 s at 91 s.
    expect(window.waitMs(50, 30_000)).toBe(31_000)
    expect(window.waitMs(61, 30_000)).toBe(61_000)
    expect(window.waitMs(50, 61_000)).toBe(0)
    expect(window.used(61_000)).toBe(40)
  })

  it('never takes what is larger than itself', () => {
    expect(new MinuteWindow(100).waitMs(101, 0)).toBeNull()
  })

  it('counts what was really used, in the second in which it began', () => {
    const window = new MinuteWindow(100)
    const less = window.take(60, 0)
    const more = window.take(10, 2000)
    window.settle(less, 20)
    expect(window.waitMs(70, 2000)).toBe(0)
    window.settle(more, 110)
    expect(window.used(2000)).toBe(130)
    expect(window.waitMs(10, 2000)).toBe(61_000)
    window.settle(window.take(5, 70_000), 0)
    expect(window.used(70_000)).toBe(0)
  })

  it('is not changed by a draw that it has forgotten', () => {
    const window = new MinuteWindow(100)
    const draw = window.take(60, 0)
    expect(window.used(61_000)).toBe(0)
    window.settle(draw, 10)
    expect(window.used(61_000)).toBe(0)
  })

  it('says how long so much takes to pass at this pace, and nothing of what fits', () => {
    const window = new MinuteWindow(100)
    expect(window.queueMs(100, 0)).toBe(0)
    window.take(80, 0)
    expect(window.queueMs(20, 0)).toBe(0)
    expect(window.queueMs(70, 0)).toBe(30_000)
    // What is forgotten is in nobody's way.
    expect(window.queueMs(70, 61_000)).toBe(0)
  })

  it('says how soon the last of so much fits at the earliest: what is over whole minutes as soon as it fits, the rest after it', () => {
    const window = new MinuteWindow(100)
    expect([0, 100, 101, 200, 201].map((amount) => window.leastMs(amount, 0))).toEqual([
      0, 0, 60_000, 60_000, 120_000,
    ])
    window.take(80, 0)
    // All 80 are forgotten at once, so 100 take no longer than 21.
    expect([20, 21, 100].map((amount) => window.leastMs(amount, 1000))).toEqual([0, 60_000, 60_000])
    // Of 120, twenty fit now; of 121, one more must wait.
    expect([120, 121].map((amount) => window.leastMs(amount, 1000))).toEqual([60_000, 120_000])
    window.take(80, 30_000)
    expect(window.leastMs(1, 31_000)).toBe(30_000)
    expect(window.leastMs(101, 31_000)).toBe(90_000)
  })

  it('gives back what was settled to nothing when its second is over, and waits for no more than it must', () => {
    const window = new MinuteWindow(100)
    window.take(60, 500)
    window.take(40, 1500)
    const other = new MinuteWindow(100)
    other.take(60, 0)
    expect(other.waitMs(50, 70_000)).toBe(0)
    // Exactly the 60 of the first second are what it lacks.
    expect(window.waitMs(60, 2000)).toBe(59_000)
    expect(window.waitMs(30, 61_000)).toBe(0)
    window.take(10, 61_500)
    expect(window.used(61_500)).toBe(50)
    expect(window.used(62_000)).toBe(10)
  })

  it('counts what is taken in one second together, and puts later ones after it', () => {
    const window = new MinuteWindow(100)
    window.take(10, 100)
    window.take(20, 900)
    window.take(30, 1000)
    expect(window.used(60_999)).toBe(60)
    expect(window.used(61_000)).toBe(30)
    expect(window.used(62_000)).toBe(0)
  })

  it('says exactly nothing when all of it is forgotten, whatever the fractions were', () => {
    const window = new MinuteWindow(1)
    for (const [index, amount] of [0.1, 0.2, 0.3].entries()) window.take(amount, index * 1000)
    expect(window.used(63_000)).toBe(0)
    expect(window.waitMs(1, 63_000)).toBe(0)
  })
})
