import { beforeEach, expect, test } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { BugBook } from './bug-book.ts'

let clock: VirtualClock
let book: BugBook
beforeEach(() => {
  clock = new VirtualClock()
  book = new BugBook(clock)
})

/** As many errors of one place as wanted, each with words of its own. */
const slips = (count: number): Error[] => Array.from({ length: count }, (_, i) => new Error(`number ${i}`))

test('a flood from one place is told once a minute, with how many it stands for, and counted to the last', async () => {
  const [sameMinute, nextMinute, again, ...flood] = slips(1_003)
  const told = flood.map((each) => book.add('bug', each))
  expect(told.filter((each) => each !== null)).toEqual([0])
  await clock.advance(59_999)
  expect(book.add('bug', sameMinute)).toBeNull()
  await clock.advance(1)
  expect(book.add('bug', nextMinute)).toBe(1_000)
  expect(book.add('bug', again)).toBeNull()
  expect(book.totals()).toEqual({ bug: 1_003 })
})

test('a flood from one place hides no bug from another, nor the same one that came another way', () => {
  const [first, second, third] = slips(3)
  book.add('bug', first)
  expect(book.add('bug', second)).toBeNull()
  expect(book.add('bug', new Error('made elsewhere'))).toBe(0)
  expect(book.add('surface-failed', third)).toBe(0)
  expect(book.totals()).toEqual({ bug: 3, 'surface-failed': 1 })
})

test('what is no error has no place: all of it is one', () => {
  expect(book.add('unhandled-rejection', 'some words')).toBe(0)
  expect(book.add('unhandled-rejection', 'other words')).toBeNull()
})

test('every exception that nobody caught is told: it may be the last thing a process says', () => {
  for (const each of slips(2)) expect(book.add('uncaught-exception', each)).toBe(0)
})
