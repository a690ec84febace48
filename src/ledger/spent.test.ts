import { describe, expect, it } from 'vitest'
import { ledgerEntryOf } from './ledger-entry-of.ts'
import { Spent } from './spent.ts'

describe('what was spent', () => {
  it('is counted by provider and model, a search by its operation', () => {
    const spent = new Spent()
    const add = (provider: string, model: string | null, cost: bigint): void =>
      spent.add(
        ledgerEntryOf('a', { provider, model, operation: model === null ? 'search' : 'generate' }),
        cost,
      )
    add('glm', 'glm-5.2', 1_500_000_000n)
    add('glm', null, 10_000_000n)
    add('other', 'glm-5.2', 1n)
    add('glm', 'glm-5.2', 0n)
    expect(spent.inspect()).toEqual([
      { provider: 'glm', model: 'glm-5.2', rows: 2, costNanoUsd: 1_500_000_000 },
      { provider: 'glm', model: 'search', rows: 1, costNanoUsd: 10_000_000 },
      { provider: 'other', model: 'glm-5.2', rows: 1, costNanoUsd: 1 },
    ])
  })

  it('is counted whole, however many models are asked for by names that nobody knows', () => {
    const spent = new Spent(2)
    for (let n = 0; n < 100; n++) {
      for (const provider of ['glm', 'kimi'])
        spent.add(ledgerEntryOf('a', { provider, model: `invented-${n}` }), 1n)
    }
    expect(spent.inspect()).toEqual([
      { provider: 'glm', model: 'invented-0', rows: 1, costNanoUsd: 1 },
      { provider: 'kimi', model: 'invented-0', rows: 1, costNanoUsd: 1 },
      { provider: 'glm', model: 'other models', rows: 99, costNanoUsd: 99 },
      { provider: 'kimi', model: 'other models', rows: 99, costNanoUsd: 99 },
    ])
  })
})
