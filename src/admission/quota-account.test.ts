import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { byClock, isOver, PeriodAccount, RateAccount } from './quota-account.ts'

const dayMs = 86_400_000

describe('an account of a day', () => {
  it('begins anew at midnight in UTC, and what is open then is the old day’s', async () => {
    const clock = new VirtualClock()
    const account = new PeriodAccount(clock, 'day', null)
    expect([account.isEmpty(), account.wholeInMs()]).toEqual([true, 0])
    await clock.advance(dayMs - 1000)
    account.take(60).close(40)
    const open = account.take(50)
    expect([account.used(), account.reserved(), account.isEmpty()]).toEqual([90, 50, false])
    expect([account.waitMs(10, 100), account.waitMs(11, 100), account.waitMs(101, 100)]).toEqual([
      0,
      1000,
      null,
    ])
    expect(account.wholeInMs()).toBe(1000)
    expect(account.state()).toEqual({ kind: 'period', period: 0, spent: 90 })
    await clock.advance(999)
    expect(account.used()).toBe(90)
    await clock.advance(1)
    expect([account.used(), account.reserved(), account.isEmpty()]).toEqual([0, 0, true])
    open.close(50)
    expect([account.used(), account.reserved()]).toEqual([0, 0])
    expect(account.waitMs(100, 100)).toBe(0)
  })

  it('goes on after a restart, also where the clock was put back since: that day it has counted already', async () => {
    const clock = new VirtualClock()
    const account = new PeriodAccount(clock, 'day', { period: 1, spent: 70 })
    // By this clock it is the day before.
    expect(account.used()).toBe(70)
    expect([account.waitMs(31, 100), account.wholeInMs()]).toEqual([dayMs, dayMs])
    expect(account.state()).toEqual({ kind: 'period', period: 0, also: [1], left: [70], spent: 70 })
    await clock.advance(dayMs)
    expect([account.used(), account.waitMs(31, 100)]).toEqual([70, dayMs])
    await clock.advance(dayMs)
    expect(account.used()).toBe(0)
  })

  it('takes a day that a clock was ahead for the one it is, with what was spent and what is open, and no longer', () => {
    let wallMs = 400 * dayMs
    const clock = { now: () => 0, wallMs: () => wallMs, after: () => expect.fail('nothing waits') }
    const account = new PeriodAccount(clock, 'day', null)
    account.take(60).close(60)
    const open = account.take(30)
    wallMs = 2 * dayMs - 5
    expect([account.used(), account.waitMs(11, 100), account.wholeInMs()]).toEqual([90, 5, 5])
    open.close(10)
    expect([account.used(), account.reserved()]).toEqual([70, 0])
    wallMs = 2 * dayMs
    expect([account.used(), account.waitMs(100, 100)]).toEqual([0, 0])
  })

  it('begins the day that a clock was ahead with what was spent then, over a restart too, and not with what came since', async () => {
    for (const restarts of [false, true]) {
      let [wallMs, now] = [dayMs + 7, 0]
      const clock = { now: () => now, wallMs: () => wallMs, after: () => expect.fail('nothing waits') }
      let account = new PeriodAccount(clock, 'day', null)
      account.take(10).close(10)
      const open = account.take(20)
      wallMs = dayMs - 5000
      account.take(60).close(60)
      const state = account.state()
      expect(state).toEqual({ kind: 'period', period: 0, also: [1], left: [30], spent: 90 })
      if (restarts && state.kind === 'period') account = new PeriodAccount(clock, 'day', state)
      now += 5000
      wallMs += 5000
      expect([account.used(), account.reserved(), account.waitMs(70, 100)]).toEqual([30, 0, 0])
      // What was left open then counts as spent.
      open.close(5)
      expect(account.used()).toBe(30)
    }
  })

  it('goes on with its count where a clock that was behind is put right', () => {
    let wallMs = 3 * dayMs
    const clock = { now: () => 0, wallMs: () => wallMs, after: () => expect.fail('nothing waits') }
    const account = new PeriodAccount(clock, 'day', null)
    account.take(40).close(40)
    wallMs = dayMs
    account.take(50).close(50)
    wallMs = 3 * dayMs
    expect(account.used()).toBe(90)
  })

  it('stays a whole number that can be read again, whatever was used', () => {
    const account = new PeriodAccount(new VirtualClock(), 'day', null)
    account.take(1).close(2 ** 64)
    expect(account.state()).toEqual({ kind: 'period', period: 0, spent: Number.MAX_SAFE_INTEGER })
    account.take(1).close(2 ** 64)
    account.take(5)
    expect(account.state()).toEqual({ kind: 'period', period: 0, spent: Number.MAX_SAFE_INTEGER })
    expect(account.waitMs(1, 100)).toBe(dayMs)
  })

  it('is of a month where that is asked for', async () => {
    const clock = new VirtualClock()
    const account = new PeriodAccount(clock, 'month', null)
    account.take(5).close(5)
    expect(account.wholeInMs()).toBe(31 * dayMs)
    await clock.advance(31 * dayMs)
    account.take(7).close(7)
    expect(account.state()).toEqual({ kind: 'period', period: 1, spent: 7 })
    expect(account.wholeInMs()).toBe(28 * dayMs)
  })
})

describe('an account of a minute', () => {
  it('fills steadily, also over a restart', async () => {
    const clock = new VirtualClock()
    await clock.advance(5000)
    const account = new RateAccount(clock, 60, null)
    expect([account.isEmpty(), account.used(), account.wholeInMs()]).toEqual([true, 0, 0])
    const open = account.take(30)
    expect([account.used(), account.reserved(), account.isEmpty()]).toEqual([30, 0, false])
    expect(account.waitMs(40, 60)).toBe(10_000)
    expect(account.wholeInMs()).toBe(30_000)
    const state = account.state()
    expect(state).toEqual({ kind: 'rate', fullAtWallMs: 35_000, atWallMs: 5000 })
    await clock.advance(10_000)
    const next = new RateAccount(clock, 60, { fullAtWallMs: 35_000 })
    expect([next.used(), next.waitMs(40, 60)]).toEqual([20, 0])
    expect(next.wholeInMs()).toBe(20_000)
    await clock.advance(20_000)
    // Full again, and yet somebody still owes it what he used.
    expect(account.isEmpty()).toBe(false)
    open.close(30)
    expect([account.isEmpty(), account.wholeInMs()]).toEqual([true, 0])
    expect(account.state()).toEqual({ kind: 'rate', fullAtWallMs: 35_000, atWallMs: 35_000 })
  })
})

describe('a rate of an earlier life whose clock was wrong', () => {
  it.each([
    ['ahead', 9_000_000],
    ['right, and this one is behind', 500_000],
  ])('owes no more than it did then: that one was %s', async (_was, atWallMs) => {
    const clock = new VirtualClock()
    await clock.advance(1000)
    const account = new RateAccount(clock, 60, { fullAtWallMs: atWallMs + 30_000, atWallMs })
    expect([account.used(), account.wholeInMs()]).toEqual([30, 30_000])
  })

  it('owes less with each second that has passed since', async () => {
    const clock = new VirtualClock()
    await clock.advance(21_000)
    const account = new RateAccount(clock, 60, { fullAtWallMs: 31_000, atWallMs: 1000 })
    expect(account.wholeInMs()).toBe(10_000)
  })
})

describe('an account of which nothing is open', () => {
  it('is whole only when it has filled again', async () => {
    const clock = new VirtualClock()
    const account = new RateAccount(clock, 60, null)
    account.take(1).close(1)
    await clock.advance(999)
    expect(account.isEmpty()).toBe(false)
    await clock.advance(1)
    expect(account.isEmpty()).toBe(true)
  })
})

describe('an account that nobody asked since its day ended', () => {
  const afterMidnight = async () => {
    const clock = new VirtualClock()
    const account = new PeriodAccount(clock, 'day', null)
    account.take(40).close(40)
    const open = account.take(50)
    await clock.advance(dayMs + 5)
    return { account, open }
  }

  it('has room for a whole new day, and holds nothing back', async () => {
    expect((await afterMidnight()).account.waitMs(100, 100)).toBe(0)
    expect((await afterMidnight()).account.reserved()).toBe(0)
  })

  it('charges what is closed then to no new day', async () => {
    const { account, open } = await afterMidnight()
    open.close(50)
    expect([account.used(), account.reserved()]).toEqual([0, 0])
  })
})

describe('an account whose limit is another than before', () => {
  it('keeps exactly what is used, however often it is asked with the same one', async () => {
    const clock = new VirtualClock()
    const account = new RateAccount(clock, 60, { fullAtWallMs: 30_000 })
    expect([account.used(), account.waitMs(40, 60), account.waitMs(40, 60)]).toEqual([30, 10_000, 10_000])
    // Twice as much a minute: 30 of 120 are used, and 10 a minute less are lacking.
    expect(account.waitMs(100, 120)).toBe(5000)
    expect(account.used()).toBe(30)
  })
})

describe('a state of an earlier life', () => {
  it.each([
    [{ kind: 'rate', fullAtWallMs: 999 }, 'minute', true],
    [{ kind: 'rate', fullAtWallMs: 1000 }, 'minute', true],
    [{ kind: 'rate', fullAtWallMs: 1001 }, 'minute', false],
    [{ kind: 'period', period: 0, spent: 1 }, 'day', false],
    [{ kind: 'period', period: -1, spent: 1 }, 'day', true],
    [{ kind: 'period', period: -1, also: [3, 0], spent: 1 }, 'day', false],
    [{ kind: 'period', period: -2, also: [-1], spent: 1 }, 'day', true],
    [{ kind: 'period', period: 0, spent: 1 }, 'minute', false],
    [{ kind: 'period', period: -1, spent: 1 }, 'minute', false],
  ] as const)('%o of a %s says nothing any more: %s', (state, period, is) => {
    expect(isOver(state, period, 1000)).toBe(is)
  })

  it.each([
    [{ kind: 'rate', fullAtWallMs: 9500, atWallMs: 9000 }, 'minute', { fullAtWallMs: 1500, atWallMs: 1000 }],
    [{ kind: 'rate', fullAtWallMs: 1500, atWallMs: 700 }, 'minute', { fullAtWallMs: 1500, atWallMs: 1000 }],
    [{ kind: 'rate', fullAtWallMs: 9e9 }, 'minute', { fullAtWallMs: 61_000, atWallMs: 1000 }],
    [{ kind: 'rate', fullAtWallMs: 60_999 }, 'minute', { fullAtWallMs: 60_999, atWallMs: 1000 }],
    [{ kind: 'period', period: 3, spent: 1 }, 'day', { period: 0, also: [3], left: [1], spent: 1 }],
    [{ kind: 'period', period: 3, spent: 1 }, 'month', { period: 0, also: [3], left: [1], spent: 1 }],
    [{ kind: 'period', period: 0, spent: 1 }, 'day', { period: 0, spent: 1 }],
    [{ kind: 'period', period: -1, also: [0], left: [2], spent: 9 }, 'day', { period: 0, spent: 2 }],
    [{ kind: 'period', period: -1, also: [0], spent: 9 }, 'day', { period: 0, spent: 9 }],
    [{ kind: 'period', period: 3, spent: 1 }, 'minute', { period: 3, spent: 1 }],
  ] as const)('%o of a %s is, by the clock of this one, %o', (state, period, is) => {
    expect(byClock(state, period, 1000)).toEqual({ kind: state.kind, ...is })
  })
})
