import { describe, expect, it } from 'vitest'
import { catalogueAsOf, defaultModel, offeredModels, requireLiveModel } from './catalogue.ts'

const tasks = ['chat', 'answer', 'summarize', 'review'] as const

describe.each(['glm', 'kimi'])('the catalogue of %s', (kind) => {
  const models = offeredModels(kind, undefined)

  it('has a living default for each task', () => {
    for (const task of tasks) expect(models.map(({ id }) => id)).toContain(defaultModel(kind, task, models))
  })

  it('takes none of its own models for dead, also when config offers others', () => {
    for (const { id } of models) expect(requireLiveModel({ name: kind, kind }, [], id)?.id).toBe(id)
  })

  it('holds prices and sizes that make sense', () => {
    expect(models.length).toBeGreaterThan(5)
    for (const model of models) {
      expect(model.outputTokensMax ?? 0).toBeLessThanOrEqual(model.contextTokens ?? 0)
      expect(model.price?.cachedInput ?? 0).toBeLessThanOrEqual(model.price?.input ?? 0)
      expect(model.price?.input ?? 0).toBeLessThanOrEqual(model.price?.output ?? 0)
    }
  })
})

describe('the catalogue', () => {
  it('is dated', () => {
    expect(catalogueAsOf).toMatch(/^\d{4}-\d{2}-\d{2}$/)
  })

  it('offers what config names, with what is known of it', () => {
    const offered = offeredModels('glm', ['glm-4.7', 'glm-9'])
    expect(offered.map(({ id, contextTokens }) => [id, contextTokens])).toEqual([
      ['glm-4.7', 204_800],
      ['glm-9', null],
    ])
    expect(defaultModel('glm', 'chat', offered)).toBe('glm-4.7')
    expect(defaultModel('openai-compatible', 'chat', [])).toBeNull()
  })

  it('lets config revive a name the list takes for dead', () => {
    const offered = offeredModels('kimi', ['kimi-latest'])
    expect(requireLiveModel({ name: 'kimi', kind: 'kimi' }, offered, 'kimi-latest')?.id).toBe('kimi-latest')
  })
})
