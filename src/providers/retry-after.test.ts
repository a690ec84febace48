import { describe, expect, it } from 'vitest'
import { parseRetryAfter, parseRetryText } from './retry-after.ts'

const now = Date.UTC(2026, 10, 22, 12)

describe('parseRetryAfter', () => {
  it.each([
    ['5', 5000],
    ['0', 0],
    ['1.5', 1500],
    ['999999', 3_600_000],
    [new Date(now + 30_000).toUTCString(), 30_000],
    [new Date(now - 30_000).toUTCString(), null],
    ['soon', null],
    ['', null],
    [undefined, null],
  ])('reads %s as %s ms', (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected)
  })
})

describe('parseRetryText', () => {
  it.each([
    ['please try again after 3 seconds', 3000],
    ['try again after 1 minute', 60_000],
    ['retry after 250ms', 250],
    ['look after the cat', null],
  ])('reads "%s" as %s ms', (text, expected) => {
    expect(parseRetryText(text)).toBe(expected)
  })
})
