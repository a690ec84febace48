import { describe, expect, it } from 'vitest'
import { HoldEstimates } from './hold-estimates.ts'

const glm = { provider: 'glm', model: 'glm-5.2' }

describe('how long a job will hold its slot', () => {
  it('is not known until five of its tool have ended at that model, and then about what they took', () => {
    const holds = new HoldEstimates()
    for (let n = 1; n <= 5; n++) {
      expect(holds.expect('codereview', glm, 'generate')).toBeUndefined()
      holds.observe('codereview', glm, 'generate', n * 10_000)
    }
    expect(holds.expect('codereview', glm, 'generate')).toBe(30_000)
    expect(holds.expect('chat', glm, 'generate')).toBeUndefined()
    expect(holds.expect('codereview', { ...glm, model: 'glm-4.6' }, 'generate')).toBeUndefined()
    expect(holds.expect('codereview', { ...glm, provider: 'mine' }, 'generate')).toBeUndefined()
  })

  it('is by the kind of work where the vendor names no model', () => {
    const holds = new HoldEstimates()
    const none = { provider: 'glm', model: null }
    for (let n = 0; n < 5; n++) holds.observe('web', none, 'search', 700)
    expect(holds.expect('web', none, 'search')).toBe(700)
    expect(holds.expect('web', none, 'read')).toBeUndefined()
  })

  it('remembers a bounded number of pairs: names of models come from callers', () => {
    const holds = new HoldEstimates()
    const of = (n: number) => ({ provider: 'mine', model: `model-${n}` })
    for (let n = 0; n < 3000; n++)
      for (let times = 0; times < 5; times++) holds.observe('chat', of(n), 'generate', 1)
    expect(holds.expect('chat', of(0), 'generate')).toBeUndefined()
    expect(holds.expect('chat', of(2999), 'generate')).toBe(1)
  })
})
