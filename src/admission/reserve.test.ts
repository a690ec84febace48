import { describe, expect, it } from 'vitest'
import type { Identity } from '../domain/identity.ts'
import { identityOf } from '../domain/identity-of.ts'
import type { ClientId } from '../domain/ids.ts'
import { isRefusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { Quota } from './quota.ts'
import { QuotaBook, type QuotaSnapshot, type Reservation } from './reserve.ts'

const anna: Identity = identityOf('anna', 'window-1', { team: 'api', label: 'api@main' })
const daily: Quota = { scope: 'principal', unit: 'tokens', period: 'day', limit: 1000 }
const money: Quota = { scope: 'team', unit: 'micro-dollars', period: 'month', limit: 5_000_000 }
const minute: Quota = { scope: 'client', unit: 'tokens', period: 'minute', limit: 600 }
const dayMs = 86_400_000

function open(): { clock: VirtualClock; book: QuotaBook } {
  const clock = new VirtualClock()
  return { clock, book: new QuotaBook({ clock, graceMs: 1000, accountsMax: 100 }) }
}

function take(book: QuotaBook, quotas: readonly Quota[], tokens: number, dollars = 0): Reservation {
  const answer = book.reserve(anna, quotas, { tokens, 'micro-dollars': dollars * 1e6 }, 10_000)
  if (isRefusal(answer)) throw new Error(answer.message)
  return answer
}

describe('quota book', () => {
  it('takes from all quotas or from none, and names the one that lacks room', () => {
    const { book } = open()
    take(book, [daily, money], 400, 4)
    const before = book.snapshot()
    const refusal = book.reserve(anna, [daily, money], { tokens: 400, 'micro-dollars': 2e6 }, 10_000)
    expect(refusal).toMatchObject({
      reason: 'rate-limited',
      scope: 'team',
      dimension: 'US dollars a month',
      limit: 5,
      used: 4,
      retryAfterMs: 10_000,
    })
    expect(book.snapshot()).toEqual(before)
    take(book, [daily], 600)
  })

  it('settles to what was used, once, and a refund leaves nothing', () => {
    const { book } = open()
    const first = take(book, [daily, minute], 500)
    first.settle({ tokens: 120, 'micro-dollars': 0 })
    first.refund()
    expect(book.snapshot()).toMatchObject({ 'principal tokens day anna': { spent: 120 } })
    const second = take(book, [daily, minute], 480)
    expect(book.reserve(anna, [minute], { tokens: 1, 'micro-dollars': 0 }, 0)).toMatchObject({
      retryAfterMs: 100,
    })
    second.refund()
    expect(book.snapshot()).toMatchObject({ 'principal tokens day anna': { spent: 120 } })
    take(book, [minute], 480).refund()
    expect(book.open).toBe(0)
  })

  it('refuses for good what is more than the whole quota', () => {
    const { book } = open()
    expect(book.reserve(anna, [daily], { tokens: 1001, 'micro-dollars': 0 }, 0)).toMatchObject({
      reason: 'too-large',
      retryAfterMs: null,
    })
  })

  it('tells what running jobs have set aside from what was used, and that one of them has to end', async () => {
    const { clock, book } = open()
    const dollars = (micro: number) => ({ tokens: 0, 'micro-dollars': micro })
    const monthly: Quota = { scope: 'principal', unit: 'micro-dollars', period: 'month', limit: 1e6 }
    const running = book.reserve(anna, [monthly], dollars(900_000), 240_000)
    expect(book.reserve(anna, [monthly], dollars(300_000), 240_000)).toMatchObject({
      retryAfterMs: 240_000,
      message:
        'Your key may use 1 US dollars a month and has used 0, and running jobs have set aside 0.9; this job may take 0.3. It may fit when a running job ends, the first of them in 4 minutes at the latest; until then only smaller jobs may fit.',
    })
    await clock.advance(5000)
    if (!isRefusal(running)) running.settle(dollars(800_000))
    const later = book.reserve(anna, [monthly], dollars(300_000), 240_000)
    expect(isRefusal(later) ? later.message : '').toContain('has used 0.8; this job may take 0.3. It begins')
  })

  it('does not ask for less where nothing at all is allowed', () => {
    const { book } = open()
    const none: Quota = { scope: 'principal', unit: 'micro-dollars', period: 'month', limit: 0 }
    const refusal = book.reserve(anna, [none], { tokens: 0, 'micro-dollars': 1 }, 0)
    expect(isRefusal(refusal) ? refusal.message : '').toBe(
      'Your key may use 0 US dollars a month, and this job may take 0.000001. Whoever runs the server may allow more.',
    )
  })

  it('keeps what was used, and what is open, when a minute’s limit is raised', () => {
    const { book } = open()
    const used = (tokens: number) => ({ tokens, 'micro-dollars': 0 })
    take(book, [{ ...minute, limit: 1000 }], 600).settle(used(600))
    const running = take(book, [{ ...minute, limit: 1000 }], 400)
    const raised = { ...minute, limit: 10_000 }
    expect(isRefusal(book.reserve(anna, [raised], used(9001), 0))).toBe(true)
    const rest = take(book, [raised], 9000)
    running.settle(used(100))
    take(book, [raised], 300)
    rest.refund()
  })

  it('begins anew with the next day, and a reservation of yesterday gives nothing back to today', async () => {
    const { clock, book } = open()
    const late = take(book, [daily], 1000)
    expect(book.reserve(anna, [daily], { tokens: 1, 'micro-dollars': 0 }, 0)).toMatchObject({
      retryAfterMs: 10_000,
    })
    await clock.advance(dayMs)
    const today = take(book, [daily], 700)
    late.refund()
    today.settle({ tokens: 700, 'micro-dollars': 0 })
    expect(book.reserve(anna, [daily], { tokens: 301, 'micro-dollars': 0 }, 0)).toMatchObject({ used: 700 })
  })

  it('counts what nobody ended as wholly used, and counts it as a leak', async () => {
    const { clock, book } = open()
    const lost = take(book, [daily], 600)
    await clock.advance(11_000)
    take(book, [daily], 400).refund()
    expect(book.expired).toBe(1)
    expect(book.open).toBe(0)
    lost.refund()
    expect(book.reserve(anna, [daily], { tokens: 401, 'micro-dollars': 0 }, 0)).toMatchObject({ used: 600 })
  })

  it('goes on where it was after a restart, with the open reservations spent', async () => {
    const { clock, book } = open()
    take(book, [daily, money, minute], 300, 1).settle({ tokens: 200, 'micro-dollars': 1e6 })
    take(book, [daily, minute], 300)
    const kept = JSON.parse(JSON.stringify(book.snapshot())) as ReturnType<QuotaBook['snapshot']>
    const again = new QuotaBook({ clock, graceMs: 1000, accountsMax: 100 })
    again.restore(kept)
    expect(again.snapshot()).toEqual(kept)
    expect(again.reserve(anna, [daily], { tokens: 501, 'micro-dollars': 0 }, 0)).toMatchObject({ used: 500 })
    expect(again.reserve(anna, [minute], { tokens: 101, 'micro-dollars': 0 }, 0)).toMatchObject({
      retryAfterMs: 100,
    })
    expect(again.reserve(anna, [money], { tokens: 0, 'micro-dollars': 4e6 + 1 }, 0)).toMatchObject({
      used: 1,
    })
  })

  it('takes up nothing of a period that is over', async () => {
    const { clock, book } = open()
    take(book, [daily, money, minute], 300, 1).settle({ tokens: 200, 'micro-dollars': 1e6 })
    const kept = book.snapshot()
    await clock.advance(dayMs)
    const again = new QuotaBook({ clock, graceMs: 1000, accountsMax: 100 })
    again.restore(kept)
    expect(Object.keys(again.snapshot())).toEqual(['team micro-dollars month api'])
  })

  it('locks nobody out for a clock that was ahead, be it put right before a restart or after it', () => {
    let wallMs = 400 * dayMs
    let now = 1000
    const clock = { now: () => now, wallMs: () => wallMs, after: () => expect.fail('nothing waits') }
    const create = () => new QuotaBook({ clock, graceMs: 1000, accountsMax: 100 })
    const first = create()
    take(first, [daily, minute], 300)
    const kept = JSON.parse(JSON.stringify(first.snapshot())) as ReturnType<QuotaBook['snapshot']>
    for (const isRightAtStart of [true, false]) {
      now = 1000
      wallMs = isRightAtStart ? 5000 : 400 * dayMs
      const again = create()
      expect(again.restore(kept)).toBe(400 * dayMs)
      wallMs = 5000
      // Whoever is refused sees time pass as well.
      const refused = (quota: Quota, tokens: number) =>
        again.reserve(anna, [quota], { tokens, 'micro-dollars': 0 }, 0)
      expect(refused(daily, 701)).toMatchObject({ retryAfterMs: dayMs - 5000 })
      expect(refused(minute, 600)).toMatchObject({ retryAfterMs: 30_000 })
      now += 60_000
      wallMs += 60_000
      expect(again.inspect()).toEqual({ 'principal tokens day anna': { limit: 1000, used: 300 } })
      take(again, [daily, minute], 600)
      wallMs = dayMs
      take(again, [daily], 1000)
    }
    expect(create().restore({})).toBe(0)
  })

  it('reserves in all quotas or none when there are too many accounts, whatever windows a key calls itself', () => {
    const clock = new VirtualClock()
    const book = new QuotaBook({ clock, graceMs: 1000, accountsMax: 6 })
    const perWindow: Quota = { ...daily, scope: 'client', limit: 1e6 }
    const used = (tokens: number) => ({ tokens, 'micro-dollars': 1 })
    const settle = (who: Identity, quotas: readonly Quota[], tokens: number): string => {
      const held = book.reserve(who, quotas, used(tokens), 10_000)
      if (isRefusal(held)) return held.dimension
      held.settle(used(tokens))
      return 'settled'
    }
    for (let index = 0; index < 20; index++)
      settle(
        identityOf('noisy', `window-${index}`, { team: null }),
        [perWindow, { ...daily, limit: 1e9 }],
        10,
      )
    const answers = Array.from({ length: 3 }, () =>
      settle(anna, [perWindow, { ...daily, limit: 100 }, money], 60),
    )
    expect(answers).toEqual(['settled', 'tokens a day', 'tokens a day'])
    expect(book.inspect()).toMatchObject({
      'principal tokens day anna': { used: 60 },
      'team micro-dollars month api': { used: 1 },
    })
  })

  it('makes no room for who only looks, or is refused', () => {
    const clock = new VirtualClock()
    const book = new QuotaBook({ clock, graceMs: 1000, accountsMax: 1 })
    const perWindow: Quota = { ...daily, scope: 'client' }
    take(book, [perWindow], 10)
    const before = book.inspect()
    const other = identityOf('bert', 'window-1', { team: null })
    book.standing(other, [perWindow])
    expect(isRefusal(book.reserve(other, [perWindow], { tokens: 1001, 'micro-dollars': 0 }, 0))).toBe(true)
    expect(book.inspect()).toEqual(before)
  })

  it('holds on to what a job has set aside, or has only lent, however many windows come meanwhile', () => {
    const clock = new VirtualClock()
    const book = new QuotaBook({ clock, graceMs: 1000, accountsMax: 2 })
    const perWindow: Quota = { ...daily, scope: 'client' }
    const running = take(book, [perWindow], 600)
    const resume = take(book, [daily], 400).suspend()
    for (let index = 0; index < 5; index++) {
      const who = identityOf('noisy', `window-${index}`, { team: null })
      const held = book.reserve(who, [perWindow, daily], { tokens: 1, 'micro-dollars': 0 }, 10_000)
      if (!isRefusal(held)) held.settle({ tokens: 1, 'micro-dollars': 0 })
    }
    resume()
    expect(book.standing(anna, [perWindow, daily])).toMatchObject([{ used: 600 }, { used: 400 }])
    running.settle({ tokens: 500, 'micro-dollars': 0 })
    expect(book.standing(anna, [perWindow])).toMatchObject([{ used: 500 }])
  })

  it('forgets windows first when there are too many accounts, and never a key', () => {
    const clock = new VirtualClock()
    const book = new QuotaBook({ clock, graceMs: 1000, accountsMax: 3 })
    const perWindow: Quota = { ...daily, scope: 'client' }
    for (let index = 1; index <= 5; index++) {
      const window = { ...anna, client: `window-${index}` as ClientId }
      const held = book.reserve(window, [perWindow, daily], { tokens: 10, 'micro-dollars': 0 }, 10_000)
      if (isRefusal(held)) throw new Error(held.message)
      held.settle({ tokens: 10, 'micro-dollars': 0 })
    }
    expect(book.inspect()).toEqual({
      'principal tokens day anna': { limit: 1000, used: 50 },
      'client tokens day anna\nwindow-4': { limit: 1000, used: 10 },
      'client tokens day anna\nwindow-5': { limit: 1000, used: 10 },
    })
    expect(book.standing(anna, [daily])).toEqual([{ ...daily, used: 50, wholeInMs: dayMs }])
  })

  it('forgets the windows of the key that has most, those used longest ago first', () => {
    const clock = new VirtualClock()
    const book = new QuotaBook({ clock, graceMs: 1000, accountsMax: 4 })
    const perWindow: Quota = { ...daily, scope: 'client' }
    const settle = (key: string, window: string): void => {
      const who = identityOf(key, window, { team: null })
      const held = book.reserve(who, [perWindow], { tokens: 10, 'micro-dollars': 0 }, 10_000)
      if (isRefusal(held)) throw new Error(held.message)
      held.settle({ tokens: 10, 'micro-dollars': 0 })
    }
    settle('bert', 'window-1')
    for (const window of ['1', '2', '3', '1', '4']) settle('noisy', window)
    expect(Object.keys(book.inspect())).toEqual([
      'client tokens day bert\nwindow-1',
      'client tokens day noisy\n3',
      'client tokens day noisy\n1',
      'client tokens day noisy\n4',
    ])
    // Their last one too, where every key has as few.
    for (const key of ['carl', 'dora', 'emil']) settle(key, 'window-1')
    expect(Object.keys(book.inspect())).toEqual([
      'client tokens day noisy\n4',
      'client tokens day carl\nwindow-1',
      'client tokens day dora\nwindow-1',
      'client tokens day emil\nwindow-1',
    ])
  })

  it('keeps no more windows over restarts either, and none of a key that has few is forgotten for them', () => {
    const clock = new VirtualClock()
    const perWindow: Quota = { ...daily, scope: 'client' }
    const live = (kept: QuotaSnapshot, windows: readonly (readonly [string, string])[], accountsMax = 5) => {
      const book = new QuotaBook({ clock, graceMs: 1000, accountsMax })
      book.restore(kept)
      for (const [key, window] of windows) {
        const who = identityOf(key, window, { team: null })
        const held = book.reserve(who, [perWindow, daily], { tokens: 1, 'micro-dollars': 0 }, 10_000)
        if (isRefusal(held)) throw new Error(held.message)
        held.settle({ tokens: 1, 'micro-dollars': 0 })
      }
      return JSON.parse(JSON.stringify(book.snapshot())) as QuotaSnapshot
    }
    const windowsOf = (kept: QuotaSnapshot) => Object.keys(kept).map((name) => name.split('\n')[1] ?? 'all')
    const first = live({}, [['bert', 'his'], ...['1', '2', '3'].map((each) => ['noisy', each] as const)])
    expect(windowsOf(first).toSorted()).toEqual(['2', '3', 'all', 'all', 'his'])
    // Nobody comes: nothing goes. Then others come, to a book that is full of what an earlier life has left.
    expect(live(first, [])).toEqual(first)
    const second = live(first, [
      ['noisy', '4'],
      ['noisy', '5'],
    ])
    expect(windowsOf(second).toSorted()).toEqual(['4', '5', 'all', 'all', 'his'])
    expect(second['principal tokens day noisy']).toMatchObject({ spent: 5 })
    // A window that comes back goes on, and is then the one used last.
    const third = live(second, [
      ['noisy', '4'],
      ['noisy', '6'],
    ])
    expect(windowsOf(third).toSorted()).toEqual(['4', '6', 'all', 'all', 'his'])
    expect(third['client tokens day noisy\n4']).toMatchObject({ spent: 2 })
    // Of a file that holds more than there is room for the same go, at once.
    expect(windowsOf(live(third, [], 4)).toSorted()).toEqual(['6', 'all', 'all', 'his'])
    expect(windowsOf(live(third, [], 1))).toEqual(['all', 'all'])
  })

  it('looks once a second for reservations that nobody ended', async () => {
    const { clock, book } = open()
    const until = (deadlineAt: number) =>
      book.reserve(anna, [daily], { tokens: 1, 'micro-dollars': 0 }, deadlineAt)
    until(-500)
    await clock.advance(1000)
    until(400)
    expect(book.expired).toBe(1)
    await clock.advance(500)
    until(10_000)
    expect(book.expired).toBe(1)
    await clock.advance(500)
    until(10_000)
    expect(book.expired).toBe(2)
  })

  it('counts no quota of a team for whoever is in none', () => {
    const { book } = open()
    const alone = identityOf('anna', 'window-1', { team: null })
    const held = book.reserve(alone, [{ ...money, limit: 0 }], { tokens: 0, 'micro-dollars': 1 }, 10_000)
    expect(isRefusal(held)).toBe(false)
    expect(book.inspect()).toEqual({})
  })

  it('waits for running jobs only where what they may give back is enough', () => {
    const used = (tokens: number) => ({ tokens, 'micro-dollars': 0 })
    for (const [settled, running, retryAfterMs] of [
      [900, 0, dayMs],
      [900, 100, dayMs],
      [801, 199, dayMs],
      [800, 200, 10_000],
    ] as const) {
      const { book } = open()
      take(book, [daily], settled).settle(used(settled))
      if (running > 0) take(book, [daily], running)
      const refused = book.reserve(anna, [daily], used(200), 10_000)
      expect(refused).toMatchObject({ reason: 'rate-limited', used: settled + running, retryAfterMs })
    }
  })

  it('says when the first of those that hold some of it has to end, and asks nobody else’s', async () => {
    const { clock, book } = open()
    const reserve = (who: Identity, deadlineAt: number) =>
      book.reserve(who, [{ ...daily, limit: 100 }], { tokens: 50, 'micro-dollars': 0 }, deadlineAt)
    reserve(identityOf('bert', 'window-1'), 5000)
    reserve(anna, 90_000)
    reserve(anna, 60_000)
    await clock.advance(1000)
    expect(reserve(anna, 120_000)).toMatchObject({ retryAfterMs: 59_000 })
    await clock.advance(58_900)
    expect(reserve(anna, 120_000)).toMatchObject({ retryAfterMs: 1000 })
  })

  it('shows and keeps nothing of an account that is whole again, and of the others the limit of now', async () => {
    const { clock, book } = open()
    take(book, [daily], 10).refund()
    expect([book.inspect(), book.snapshot()]).toEqual([{}, {}])
    take(book, [daily], 10)
    take(book, [{ ...daily, limit: 2000 }], 10)
    expect(book.inspect()).toEqual({ 'principal tokens day anna': { limit: 2000, used: 20 } })
    const again = new QuotaBook({ clock, graceMs: 1000, accountsMax: 100 })
    again.restore(book.snapshot())
    take(again, [daily], 10)
    await clock.advance(dayMs)
    take(again, [daily], 10).refund()
    expect(again.snapshot()).toEqual({})
  })

  it('makes room by what is whole again before any window loses what it has used', () => {
    const { clock } = open()
    const book = new QuotaBook({ clock, graceMs: 1000, accountsMax: 2 })
    const reserve = (window: string) => ofWindow(book, window)
    reserve('used').settle({ tokens: 10, 'micro-dollars': 0 })
    reserve('whole').refund()
    reserve('new')
    expect(Object.keys(book.inspect())).toEqual([
      'client tokens day anna\nused',
      'client tokens day anna\nnew',
    ])
  })

  it('keeps no more windows than it may, and pushes none out for one that it knows already', () => {
    const clock = new VirtualClock()
    const book = new QuotaBook({ clock, graceMs: 1000, accountsMax: 2 })
    const reserve = (window: string) => {
      const who = identityOf('anna', window, { team: null })
      const quotas: readonly Quota[] = [{ ...daily, scope: 'client' }]
      const held = book.reserve(who, quotas, { tokens: 10, 'micro-dollars': 0 }, 10_000)
      if (isRefusal(held)) throw new Error(held.message)
      return { settle: () => held.settle({ tokens: 10, 'micro-dollars': 0 }) }
    }
    const windows = () => Object.keys(book.inspect()).map((name) => name.split('\n')[1])
    for (const window of ['one', 'two', 'three']) reserve(window).settle()
    expect(windows()).toEqual(['two', 'three'])
    // Three that run are kept, and so is each of them when they are over, until another comes.
    for (const held of ['four', 'five', 'six'].map(reserve)) held.settle()
    expect(windows()).toEqual(['four', 'five', 'six'])
    reserve('six').settle()
    expect(windows()).toEqual(['four', 'five', 'six'])
    reserve('seven').settle()
    expect(windows()).toEqual(['six', 'seven'])
  })

  it('takes nothing again for a reservation that was over when it was suspended', () => {
    const { book } = open()
    const held = take(book, [daily], 100)
    held.settle({ tokens: 40, 'micro-dollars': 0 })
    held.suspend()()
    expect(book.open).toBe(0)
    expect(book.inspect()).toMatchObject({ 'principal tokens day anna': { used: 40 } })
  })

  it('takes up nothing of a month that is over, and keeps a name that is none of its own', async () => {
    const { clock, book } = open()
    take(book, [money], 0, 1).settle({ tokens: 0, 'micro-dollars': 1e6 })
    const strange = { kind: 'period', period: 0, spent: 5 } as const
    const kept = { ...book.snapshot(), strange }
    const restored = (): string[] => {
      const again = new QuotaBook({ clock, graceMs: 1000, accountsMax: 100 })
      again.restore(kept)
      return Object.keys(again.snapshot())
    }
    expect(restored()).toEqual(['team micro-dollars month api', 'strange'])
    await clock.advance(31 * dayMs)
    expect(restored()).toEqual(['strange'])
  })

  it('names the quota that lacks room longest, one that never has it first, and of equals the first', () => {
    const tight: Quota = { ...daily, scope: 'client', limit: 300 }
    const refused = (...quotas: readonly Quota[]) => {
      const { book } = open()
      take(book, [daily, tight, minute], 300)
      return book.reserve(anna, quotas, { tokens: 400, 'micro-dollars': 0 }, 10_000)
    }
    for (const quotas of [
      [tight, minute],
      [minute, tight],
    ])
      expect(refused(...quotas)).toMatchObject({ reason: 'too-large', limit: 300 })
    const { book } = open()
    const second: Quota = { ...daily, scope: 'client' }
    take(book, [daily, second, minute], 600).settle({ tokens: 600, 'micro-dollars': 0 })
    const next = (...quotas: readonly Quota[]) =>
      book.reserve(anna, quotas, { tokens: 500, 'micro-dollars': 0 }, 0)
    expect(next(daily, second)).toMatchObject({ scope: 'principal', retryAfterMs: dayMs })
    expect(next(second, daily)).toMatchObject({ scope: 'client' })
    expect(next(minute, daily)).toMatchObject({ dimension: 'tokens a day' })
    expect(next(daily, minute)).toMatchObject({ dimension: 'tokens a day' })
  })

  it('waits for time, and for no running job, where a rate is overdrawn and the job takes none of it', () => {
    const { book } = open()
    take(book, [minute], 600).settle({ tokens: 1200, 'micro-dollars': 0 })
    const refused = book.reserve(anna, [minute], { tokens: 0, 'micro-dollars': 0 }, 10_000)
    expect(refused).toMatchObject({ reason: 'rate-limited', retryAfterMs: 60_000 })
    expect(isRefusal(refused) ? refused.message : '').not.toContain('running job')
  })

  it('does not look through all accounts for one more while there is room', () => {
    const clock = new VirtualClock()
    let looks = 0
    const counting = {
      now: () => clock.now(),
      wallMs: () => {
        looks++
        return clock.wallMs()
      },
      after: clock.after.bind(clock),
    }
    const book = new QuotaBook({ clock: counting, graceMs: 1000, accountsMax: 50 })
    const looksOf = (window: string): number => {
      looks = 0
      ofWindow(book, window).settle({ tokens: 10, 'micro-dollars': 0 })
      return looks
    }
    const all = Array.from({ length: 50 }, (_, n) => looksOf(`window-${n}`))
    expect(Math.max(...all)).toBeLessThan(10)
    expect(Object.keys(book.inspect())).toHaveLength(50)
  })
})

/** Ten tokens of what a window has a day, which must fit. */
function ofWindow(book: QuotaBook, window: string) {
  const who = identityOf('anna', window, { team: null })
  const held = book.reserve(who, [{ ...daily, scope: 'client' }], { tokens: 10, 'micro-dollars': 0 }, 10_000)
  if (isRefusal(held)) throw new Error(held.message)
  return held
}
