import { describe, expect, it } from 'vitest'
import { HeardLimits } from './heard-limits.ts'

const word = (
  remaining: number,
  resetMs: number,
  tokens: { remaining: number; resetMs: number } | null = null,
) => ({
  requests: { limit: 10, remaining, resetMs },
  tokens: tokens && { limit: 1000, ...tokens },
  concurrency: null,
})

describe('what a vendor says it still takes', () => {
  it('is nothing at first, and holds nobody back', () => {
    const heard = new HeardLimits()
    heard.begin(1e9, 0)
    expect(heard.waitMs(1e9, 0)).toBe(0)
    expect(heard.facts(0)).toEqual({ requests: null, tokens: null })
  })

  it('is taken up by what begins, and then the reset is waited for', () => {
    const heard = new HeardLimits()
    heard.hear(word(2, 20_000, { remaining: 150, resetMs: 5000 }), heard.begin(100, 1000), 1000)
    expect(heard.waitMs(150, 1000)).toBe(0)
    expect(heard.waitMs(151, 1000)).toBe(5000)
    heard.begin(100, 1000)
    expect(heard.facts(1000)).toEqual({
      requests: { limit: 10, remaining: 1, resetMs: 20_000 },
      tokens: { limit: 1000, remaining: 50, resetMs: 5000 },
    })
    heard.begin(10, 2000)
    expect(heard.waitMs(10, 2000)).toBe(19_000)
  })

  it('does not count what began after the request that it answers', () => {
    const heard = new HeardLimits()
    const first = heard.begin(10, 0)
    const second = heard.begin(10, 0)
    heard.begin(10, 0)
    heard.hear(word(3, 20_000), first, 0)
    expect(heard.facts(0).requests?.remaining).toBe(1)
    // The later word, of a vendor that has seen the second as well.
    heard.hear(word(2, 20_000), second, 0)
    expect(heard.facts(0).requests?.remaining).toBe(1)
    // An older one that comes late changes nothing.
    heard.hear(word(9, 20_000), first, 0)
    expect(heard.facts(0).requests?.remaining).toBe(1)
  })

  it('past its reset lets one go ahead to hear more, and is forgotten when that one hears nothing', () => {
    const heard = new HeardLimits()
    heard.hear(word(0, 20_000), heard.begin(1, 0), 0)
    expect(heard.waitMs(1, 19_999)).toBe(1)
    expect(heard.waitMs(1, 20_000)).toBe(0)
    const scout = heard.begin(1, 20_000)
    expect(heard.waitMs(1, 20_000)).toBe(10_000)
    expect(heard.facts(20_000).requests).toBeNull()
    const silent = new HeardLimits()
    silent.hear(word(0, 20_000), silent.begin(1, 0), 0)
    silent.begin(1, 20_000)
    expect(silent.waitMs(1, 30_000)).toBe(0)
    heard.hear(word(4, 60_000), scout, 21_000)
    expect(heard.waitMs(1, 21_000)).toBe(0)
    expect(heard.facts(21_000).requests?.remaining).toBe(4)
  })

  it('changes nothing for being asked: past its reset who asks first may not be who goes first', () => {
    const heard = new HeardLimits()
    heard.hear(word(9, 60_000, { remaining: 0, resetMs: 20_000 }), heard.begin(1, 0), 0)
    expect(heard.waitMs(10, 20_000)).toBe(0)
    expect(heard.waitMs(900, 20_000)).toBe(0)
    expect(heard.waitMs(900, 40_000)).toBe(0)
    heard.begin(900, 40_000)
    expect(heard.waitMs(10, 40_000)).toBe(10_000)
  })

  it('is believed for an hour at most: a clock may be wrong by years', () => {
    const heard = new HeardLimits()
    heard.hear(word(0, 1e12), heard.begin(1, 0), 0)
    expect(heard.waitMs(1, 0)).toBe(3_600_000)
  })

  it('counts the tokens that began since, not those before', () => {
    const heard = new HeardLimits()
    const first = heard.begin(100, 0)
    heard.begin(30, 0)
    heard.begin(20, 0)
    heard.hear(word(9, 20_000, { remaining: 500, resetMs: 20_000 }), first, 0)
    expect(heard.facts(0)).toMatchObject({ requests: { remaining: 7 }, tokens: { remaining: 450 } })
  })

  it('takes an older word where the later one is past its reset', () => {
    const heard = new HeardLimits()
    const first = heard.begin(1, 0)
    heard.hear(word(9, 1000), heard.begin(1, 0), 0)
    expect(heard.facts(1000).requests).toBeNull()
    heard.hear(word(5, 20_000), first, 1000)
    expect(heard.facts(1000).requests).toEqual({ limit: 10, remaining: 4, resetMs: 20_000 })
  })

  it('lets one go ahead past the reset, and the next one not before it has heard or waited', () => {
    const heard = new HeardLimits()
    heard.hear(word(3, 20_000), heard.begin(1, 0), 0)
    heard.begin(1, 20_000)
    expect([heard.waitMs(1, 20_000), heard.waitMs(1, 20_001)]).toEqual([0, 0])
    const spent = new HeardLimits()
    spent.hear(word(0, 20_000), spent.begin(1, 0), 0)
    spent.begin(1, 20_000)
    expect(spent.waitMs(1, 25_000)).toBe(5000)
    expect(spent.facts(25_000).requests).toBeNull()
    // Nothing was heard of that one: the next begins, and nobody waits for what it hears.
    spent.begin(1, 30_000)
    expect(spent.waitMs(1, 30_000)).toBe(0)
  })
})
