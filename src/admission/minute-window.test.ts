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
})
