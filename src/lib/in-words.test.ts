import { describe, expect, it } from 'vitest'
import { counted, duration } from './in-words.ts'

describe('numbers in words', () => {
  it('have a plural for all but one', () => {
    expect([0, 1, 2].map((n) => counted(n, 'job'))).toEqual(['0 jobs', '1 job', '2 jobs'])
  })

  it('name a time in the unit that people would use, and never less than it is', () => {
    expect([0, 1, 1000, 1001, 119_000].map(duration)).toEqual([
      '1 second',
      '1 second',
      '1 second',
      '2 seconds',
      '119 seconds',
    ])
    expect([119_001, 7_140_000].map(duration)).toEqual(['2 minutes', '119 minutes'])
    expect([7_140_001, 255_600_000, 255_600_001].map(duration)).toEqual(['2 hours', '71 hours', '3 days'])
  })
})
