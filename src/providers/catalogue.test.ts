import { describe, expect, it } from 'vitest'
import { catalogueAsOf, defaultModel, offeredModels, requireLiveModel } from './catalogue.ts'

const tasks = ['chat', 'answer', 'summarize', 'review'] as const

describe.each(['glm', 'kimi'])('the catalogue of %s', (kind) => {
  const models = offeredModels(kind)

  it('has a living default for each task', () => {
    for (const task of tasks) expect(models.map(({ id }) => id)).toContain(defaultModel(kind, task, models))
  })

  it('takes none of its own models for dead', () => {
    for (const { id } of models) expect(requireLiveModel({ name: kind, kind }, models, id)?.id).toBe(id)
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

  it('offers what config names first, with what is known of it, and the rest of the list', () => {
    const offered = offeredModels('glm', ['glm-4.7', 'glm-9'])
    expect(offered.slice(0, 2).map(({ id, contextTokens }) => [id, contextTokens])).toEqual([
      ['glm-4.7', 204_800],
      ['glm-9', null],
    ])
    expect(offered.length).toBe(offeredModels('glm').length + 1)
    expect(offeredModels('openai-compatible', ['a', 'b']).map(({ id }) => id)).toEqual(['a', 'b'])
  })

  it('has no default where nothing is offered, and the first where no other is known', () => {
    expect(defaultModel('openai-compatible', 'chat', [])).toBeNull()
    expect(
      defaultModel('openai-compatible', 'chat', offeredModels('openai-compatible', ['qwen3', 'b'])),
    ).toBe('qwen3')
  })

  it('lets config revive a name the list takes for dead', () => {
    const offered = offeredModels('kimi', ['kimi-latest'])
    expect(requireLiveModel({ name: 'kimi', kind: 'kimi' }, offered, 'kimi-latest')?.id).toBe('kimi-latest')
  })
})
