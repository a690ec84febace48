// What an attempt may cost at most, and which candidates the quotas have room for.

import { describe, expect, it } from 'vitest'
import type { Refusal } from '../domain/refusal.ts'
import type { Capabilities } from '../providers/provider.ts'
import { type AttemptMoney, affordable, dearest } from './attempt-money.ts'
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

  it('bounds what a model reads and writes while it searches, and has no tokens for a page', () => {
    const search = { kind: 'search', query: 'otters', count: 3 } as const
    expect(dearest(candidate(), search, (cap) => cap)).toEqual({
      provider: 'kimi',
      model: null,
      operation: 'search',
      inputTokens: 64_000,
      outputTokens: 32_768,
      searches: 1,
      expected: { inputTokens: 0, outputTokens: 8_192 },
    })
    const page = { kind: 'read', url: 'https://otters.example' } as const
    expect(dearest(candidate(), page, (cap) => cap)).toEqual({
      provider: 'kimi',
      model: null,
      operation: 'read',
      inputTokens: 0,
      outputTokens: 0,
      expected: { inputTokens: 0, outputTokens: 0 },
    })
  })
})

describe('what the quotas have room for', () => {
  const bar = (retryAfterMs: number | null, message: string): Refusal => ({
    kind: 'refusal',
    reason: 'rate-limited',
    scope: 'principal',
    dimension: 'dollars a day',
    limit: 1,
    used: 1,
    retryAfterMs,
    message,
  })
  /** The named ones, and what bars each; the others cost something, or nothing where `money` is null. */
  const left = (
    steps: readonly (readonly string[])[],
    bars: Readonly<Record<string, Refusal>>,
    money: AttemptMoney | null = null,
  ) => {
    const found = affordable(
      steps.map((step) => step.map((accountName) => ({ ...candidate(), accountName }))),
      ({ accountName }) => bars[accountName] ?? money,
    )
    return 'kind' in found ? found.message : found.map((step) => step.map(({ accountName }) => accountName))
  }

  it('is the chain without what is too dear, and keeps nothing set aside', () => {
    let open = 0
    const money = { settle: () => {}, suspend: () => () => {}, release: () => open++ }
    const bars = { dear: bar(1_000, 'dear') }
    expect(left([['dear'], ['dear', 'cheap'], ['free']], bars, money)).toEqual([['cheap'], ['free']])
    expect(open).toBe(2)
    expect(left([['dear'], ['free']], bars)).toEqual([['free']])
    expect(left([], {})).toEqual([])
  })

  it('is nothing where all is too dear: the bar that falls first is told, of equals the first', () => {
    const bars = {
      never: bar(null, 'never'),
      late: bar(9_000, 'late'),
      soon: bar(1_000, 'soon'),
      soonToo: bar(1_000, 'soon too'),
    }
    expect(left([['never', 'late'], ['soon'], ['soonToo']], bars)).toBe('soon')
    expect(left([['never']], bars)).toBe('never')
  })
})
