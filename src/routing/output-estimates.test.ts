import { describe, expect, it } from 'vitest'
import { createSeededRandom } from '../lib/random.ts'
import { OutputEstimates } from './output-estimates.ts'

/** Log-normal lengths, sigma 1; nine of ten are below `mean * 2.18`. */
function lengths(mean: number, seed: number): () => number {
  const random = createSeededRandom(seed)
  return () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    return Math.round(mean * Math.exp(normal - 0.5))
  }
}

describe('expected output', () => {
  it('is the requested cap until something was seen, and never more', () => {
    const estimates = new OutputEstimates()
    expect(estimates.expect('chat', 'glm-5.2', 4096)).toBe(4096)
    estimates.observe('chat', 'glm-5.2', 900)
    expect(estimates.expect('chat', 'glm-5.2', 4096)).toBe(900)
    expect(estimates.expect('chat', 'glm-5.2', 500)).toBe(500)
    expect(estimates.expect('codereview', 'glm-5.2', 4096)).toBe(4096)
    expect(estimates.expect('chat', 'kimi-k3', 4096)).toBe(4096)
  })

  it('is what about nine of ten outputs stay below, also after they have become shorter', () => {
    const estimates = new OutputEstimates()
    for (const [mean, seed] of [
      [1000, 1],
      [200, 2],
      [3000, 3],
    ] as const) {
      const next = lengths(mean, seed)
      for (let i = 0; i < 600; i++) estimates.observe('chat', 'm', next())
      let below = 0
      for (let i = 0; i < 2000; i++) {
        const tokens = next()
        if (tokens <= estimates.expect('chat', 'm', 1e9)) below++
        estimates.observe('chat', 'm', tokens)
      }
      expect(below / 2000).toBeGreaterThan(0.86)
      expect(below / 2000).toBeLessThan(0.94)
    }
  })

  it('remembers a bounded number of pairs: names of models come from callers', () => {
    const estimates = new OutputEstimates()
    for (let i = 0; i < 5000; i++) estimates.observe('chat', `model-${i}`, 1)
    expect(estimates.expect('chat', 'model-0', 10)).toBe(10)
    expect(estimates.expect('chat', 'model-4999', 10)).toBe(1)
  })
})
