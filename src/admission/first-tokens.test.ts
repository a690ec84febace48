import { describe, expect, it } from 'vitest'
import { FirstTokens } from './first-tokens.ts'

function open() {
  const tokens = new FirstTokens()
  let now = 0
  /** So many first tokens one after another; how often they were late. */
  const come = (ms: number, times: number, model = 'glm-5.2'): number => {
    let late = 0
    for (let i = 0; i < times; i++) {
      now += ms
      if (tokens.areLate(ms, now, model)) late++
    }
    return late
  }
  return { tokens, come, now: () => now }
}

describe('first tokens', () => {
  it('are late when the middle one of nine took more than twice the usual', () => {
    const { come } = open()
    expect(come(800, 100)).toBe(0)
    expect(come(2000, 4)).toBe(0)
    expect(come(2000, 1)).toBe(1)
  })

  it('are not late when they take a little longer, or when few of them take ages', () => {
    const { come } = open()
    come(800, 100)
    expect(come(1500, 50)).toBe(0)
    for (let round = 0; round < 20; round++) {
      expect(come(800, 6)).toBe(0)
      expect(come(100_000, 3)).toBe(0)
    }
  })

  it('become usual when they stay so', () => {
    const { come } = open()
    come(800, 100)
    expect(come(4000, 200)).toBeGreaterThan(0)
    expect(come(4000, 100)).toBe(0)
  })

  it('are compared within one model: a slow one beside a fast one is not late', () => {
    const { come } = open()
    for (let round = 0; round < 100; round++) {
      expect(come(300, 1, 'fast')).toBe(0)
      expect(come(9000, 1, 'thinking')).toBe(0)
    }
    expect(come(9000, 50, 'thinking')).toBe(0)
  })

  it('of a model nobody knows yet say nothing', () => {
    const { come } = open()
    expect(come(100, 1)).toBe(0)
    expect(come(5000, 19)).toBe(0)
  })

  it('are compared from the twenty-first on, nine of them, with the mean of all while these are few', () => {
    const { come } = open()
    expect(come(800, 20)).toBe(0)
    expect(come(4000, 8)).toBe(0)
    expect(come(4000, 1)).toBe(1)
    const slowAtFirst = open()
    slowAtFirst.come(8000, 1)
    expect(slowAtFirst.come(800, 19)).toBe(0)
    expect(slowAtFirst.come(4000, 9)).toBe(1)
  })

  it('are not late where the middle one took exactly twice the usual', () => {
    const { come } = open()
    come(800, 30)
    expect(come(1600, 1)).toBe(0)
    expect(come(100_000, 4)).toBe(0)
    expect(come(100_000, 1)).toBe(1)
  })

  it('count anew when something was done, from requests that began after it', () => {
    const { tokens, come, now } = open()
    come(800, 200)
    expect(come(20_000, 9)).toBeGreaterThan(0)
    const at = now()
    tokens.answered(at)
    for (let i = 0; i < 9; i++) expect(tokens.areLate(20_000, at + 19_999, 'glm-5.2')).toBe(false)
    for (let i = 0; i < 8; i++) expect(tokens.areLate(20_000, at + 20_000, 'glm-5.2')).toBe(false)
    expect(tokens.areLate(20_000, at + 20_000, 'glm-5.2')).toBe(true)
  })
})
