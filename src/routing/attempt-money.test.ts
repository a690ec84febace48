import { describe, expect, it } from 'vitest'
import type { Capabilities } from '../providers/provider.ts'
import { dearest } from './attempt-money.ts'
import type { RoutedCandidate } from './candidate-steps.ts'

function candidate(over: Partial<Capabilities> = {}): RoutedCandidate {
  const capabilities: Capabilities = { jobs: new Set(['search']), needsKey: true, ...over }
  const provider = {
    name: 'kimi',
    capabilities,
    models: [],
    run: () => expect.fail('nothing runs here'),
    destroy: async () => {},
  }
  const configured = {
    provider,
    accounts: [],
    defaultModel: () => null,
    missing: null,
    modelPrefixes: [],
  }
  return {
    configured,
    account: { name: 'main', apiKeys: [], groups: null as never },
    provider: 'kimi',
    accountName: 'kimi/main',
    model: null,
    kind: 'search',
    keyCount: 1,
    contextTokens: null,
    group: 'kimi/main',
    endpoint: 'https://kimi.example',
    weight: 1,
  }
}

describe('an attempt at its dearest', () => {
  it('takes a token for every byte of its input, and a guess of a third of that for quotas of tokens', () => {
    const digits = '7 '.repeat(1_500)
    const messages = [{ role: 'user', content: digits }] as const
    const job = { kind: 'generate', model: 'm', task: 'chat', messages, outputTokensMax: 100 } as const
    const attempt = dearest(candidate(), job, (cap) => cap / 4)
    expect(attempt.inputTokens).toBeGreaterThanOrEqual(3_000)
    expect(attempt.inputTokens).toBeLessThan(4_000)
    expect(attempt).toMatchObject({
      outputTokens: 100,
      expected: { inputTokens: 1_000, outputTokens: 25 },
    })
  })

  it('makes every search that its vendor may make for it', () => {
    const job = { kind: 'search', query: 'otters', count: 3 } as const
    expect(dearest(candidate({ searchesMax: 4 }), job, (cap) => cap).searches).toBe(4)
    expect(dearest(candidate(), job, (cap) => cap).searches).toBe(1)
  })
})
