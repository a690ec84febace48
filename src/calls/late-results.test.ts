import { beforeEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { LateResults } from './late-results.ts'

let clock: VirtualClock
let results: LateResults

beforeEach(() => {
  clock = new VirtualClock()
  results = new LateResults(clock, {
    keepMs: 600_000,
    charsMax: 250,
    charsPerOwnerMax: 100,
    entriesPerOwnerMax: 3,
  })
})

const call = { callId: 'c-1', tool: 'chat', about: 'Why?', endedAtMs: 5, isError: false }
const ofLength = (length: number): string => 'x'.repeat(length)

describe('what is kept', () => {
  test('is found by its owner and its key, and by nobody else', () => {
    results.keep('ann\nw1', 'k', 'mine')
    expect(results.find('ann\nw1', 'k')).toEqual({ kind: 'kept', text: 'mine' })
    expect(results.find('ann\nw2', 'k')).toEqual({ kind: 'unknown' })
    expect(results.find('bob\nw1', 'k')).toEqual({ kind: 'unknown' })
    expect(results.find('ann\nw1', 'K')).toEqual({ kind: 'unknown' })
  })

  test('goes after ten minutes, with its timer', async () => {
    results.keep('a', 'first', 'one')
    await clock.advance(300_000)
    results.keep('a', 'second', 'two')
    await clock.advance(300_000)
    expect(results.find('a', 'first')).toEqual({ kind: 'unknown' })
    expect(results.find('a', 'second').kind).toBe('kept')
    await clock.advance(300_000)
    expect(results.inspect()).toEqual({ results: 0, chars: 0, owners: 0 })
    expect(clock.pendingTimers).toBe(0)
  })

  test('keeps its first text', () => {
    results.keep('a', 'k', 'first')
    results.keep('a', 'k', 'second')
    expect(results.find('a', 'k')).toEqual({ kind: 'kept', text: 'first' })
    expect(results.inspect().chars).toBe(5)
  })
})

describe('the list', () => {
  test('holds what was kept with its call, oldest first, of this owner alone', async () => {
    results.keep('a', 'c-1', 'one', call)
    results.keep('a', 'by its key alone', 'two')
    results.keep('b', 'c-2', 'foreign', call)
    await clock.advance(100_000)
    results.keep('a', 'c-3', 'three', { ...call, tool: 'summarize' })
    expect(results.list('a')).toEqual([
      { ...call, key: 'c-1', chars: 3, leftMs: 500_000 },
      { ...call, tool: 'summarize', key: 'c-3', chars: 5, leftMs: 600_000 },
    ])
    expect(results.list('nobody')).toEqual([])
  })

  test('takes in what was kept by its key alone, and lets go what has reached its client', () => {
    results.keep('a', 'its own key', 'one')
    results.keep('a', 'its own key', 'another', call)
    expect(results.list('a')).toMatchObject([{ callId: 'c-1', key: 'its own key', chars: 3 }])
    results.taken('a', 'its own key')
    expect(results.list('a')).toEqual([])
    expect(results.find('a', 'its own key')).toEqual({ kind: 'kept', text: 'one' })
  })

  test('says what had to make room', () => {
    results.keep('a', 'c-1', ofLength(101), call)
    expect(results.list('a')).toMatchObject([{ key: 'c-1', chars: null }])
  })
})

describe('what had to make room', () => {
  test('is the owner’s own oldest, and is remembered as forgotten', () => {
    results.keep('b', 'other', ofLength(90))
    results.keep('a', 'old', ofLength(60))
    results.keep('a', 'new', ofLength(60))
    expect(results.find('a', 'old')).toEqual({ kind: 'forgotten' })
    expect(results.find('a', 'new').kind).toBe('kept')
    expect(results.find('b', 'other').kind).toBe('kept')
  })

  test('is the oldest of all where all together are too many', () => {
    for (const owner of ['a', 'b', 'c']) results.keep(owner, 'k', ofLength(90))
    expect(results.find('a', 'k')).toEqual({ kind: 'forgotten' })
    expect(results.inspect()).toMatchObject({ chars: 180, results: 3 })
  })

  test('is never a neighbour’s: who keeps most under any number of names makes room', () => {
    results.keep('ann\nw1', 'k', ofLength(40))
    for (let n = 0; n < 20; n++) results.keep(`bob\nw${n}`, 'k', ofLength(60))
    expect(results.find('ann\nw1', 'k')).toMatchObject({ kind: 'kept' })
    expect(results.find('bob\nw0', 'k')).toEqual({ kind: 'forgotten' })
    expect(results.find('bob\nw19', 'k')).toMatchObject({ kind: 'kept' })
    expect(results.inspect().chars).toBeLessThanOrEqual(250)
  })

  test('is a copy of what was delivered, before anything that still waits for its client', () => {
    results.keep('a', 'waits', ofLength(50), call)
    results.keep('a', 'delivered', ofLength(40))
    results.keep('a', 'delivered later', ofLength(40))
    expect(results.find('a', 'waits').kind).toBe('kept')
    expect(results.find('a', 'delivered')).toEqual({ kind: 'forgotten' })
    expect(results.find('a', 'delivered later').kind).toBe('kept')
    results.keep('a', 'waits too', ofLength(50), call)
    expect(results.list('a')).toMatchObject([{ chars: 50 }, { chars: 50 }])
    results.keep('a', 'waits as well', ofLength(50), call)
    expect(results.list('a')).toMatchObject([{ chars: null }, { chars: 50 }, { chars: 50 }])
  })

  test('is, of the principal that keeps most, a copy as well', () => {
    results.keep('ann\nw1', 'waits', ofLength(60), call)
    results.keep('ann\nw2', 'was told', ofLength(60), call)
    results.keep('ann\nw3', 'is told again', ofLength(60))
    results.taken('ann\nw2', 'was told')
    results.keep('ann\nw3', 'is told again', ofLength(60), call)
    results.keep('bob\nw1', 'k', ofLength(90))
    expect(results.find('ann\nw1', 'waits').kind).toBe('kept')
    expect(results.find('ann\nw2', 'was told')).toEqual({ kind: 'forgotten' })
    expect(results.find('ann\nw3', 'is told again').kind).toBe('kept')
    expect(results.find('bob\nw1', 'k').kind).toBe('kept')
    for (const n of [1, 2]) results.keep(`ann\nv${n}`, 'waits', ofLength(90), call)
    expect(results.list('ann\nw1')).toMatchObject([{ chars: null }])
    expect(results.inspect().chars).toBeLessThanOrEqual(250)
  })

  test('by number is a copy too, and a doubt is left for it', () => {
    results.keep('a', 'waits', 'x', call)
    for (const key of ['1', '2', '3']) results.keep('a', key, 'x')
    expect(results.find('a', 'waits').kind).toBe('kept')
    expect(results.find('a', '1')).toEqual({ kind: 'uncertain' })
    expect(results.find('a', '2').kind).toBe('kept')
  })

  test('is kept after all when it turns out that it was not delivered', () => {
    results.keep('a', 'waits', ofLength(90), call)
    results.keep('a', 'on its way', ofLength(50))
    expect(results.find('a', 'on its way')).toEqual({ kind: 'forgotten' })
    results.keep('a', 'on its way', ofLength(50), call)
    expect(results.find('a', 'on its way').kind).toBe('kept')
    expect(results.list('a')).toMatchObject([
      { key: 'waits', chars: null },
      { key: 'on its way', chars: 50 },
    ])
    expect(results.inspect()).toMatchObject({ results: 2, chars: 50 })
  })

  test('leaves a doubt about every key of its owner, no longer than it would have been kept', async () => {
    for (const key of ['1', '2', '3', '4']) results.keep('a', key, 'x')
    expect(results.inspect().results).toBe(3)
    expect(results.find('a', '1')).toEqual({ kind: 'uncertain' })
    // Nobody can say any more which key it was, so an unknown one may be it.
    expect(results.find('a', 'never seen')).toEqual({ kind: 'uncertain' })
    expect(results.find('b', '1')).toEqual({ kind: 'unknown' })
    await clock.advance(600_000)
    expect(results.find('a', '1')).toEqual({ kind: 'unknown' })
  })

  test('is a result that is longer than all the room, at once', () => {
    results.keep('a', 'small', 'x')
    results.keep('a', 'huge', ofLength(101))
    expect(results.find('a', 'huge')).toEqual({ kind: 'forgotten' })
    expect(results.find('a', 'small').kind).toBe('kept')
  })
})

test('destroy leaves no result and no timer', () => {
  results.keep('a', 'k', 'x')
  results.destroy()
  results.keep('a', 'later', 'x')
  expect(results.find('a', 'k')).toEqual({ kind: 'unknown' })
  expect(clock.pendingTimers).toBe(0)
})
