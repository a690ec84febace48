// Rows for a ledger, and what they cost by another reckoning.

import fc from 'fast-check'
import { ledgerEntryOf } from '../../src/ledger/ledger-entry-of.ts'
import type { LedgerEntry } from '../../src/ledger/ledger-row.ts'

const names = fc.constantFrom('ada', 'bob', 'eve')
/** Attempts of some people, on models with a price and without. */
export const entries = fc.array(
  fc.record({
    principal: names,
    team: fc.option(names),
    client: fc.option(names),
    tool: fc.constantFrom('chat', 'review'),
    model: fc.constantFrom('glm-5.2', 'kimi-k3', 'unheard-of'),
    outcome: fc.constantFrom<LedgerEntry['outcome']>('done', 'timeout', 'cached', 'hedge-lost'),
    inputTokens: fc.nat(2_000_000),
    cachedInputTokens: fc.nat(2_000_000),
    outputTokens: fc.nat(200_000),
    source: fc.constantFrom('provider' as const, 'estimated' as const, 'none' as const),
  }),
  { minLength: 1, maxLength: 40 },
)
/** The row of such an attempt. */
export const toEntry = (
  fields: typeof entries extends fc.Arbitrary<infer All> ? (All extends (infer One)[] ? One : never) : never,
  id: string,
): LedgerEntry => {
  const { inputTokens, cachedInputTokens, outputTokens, source, ...over } = fields
  const usage = { inputTokens, cachedInputTokens, outputTokens, reasoningTokens: 0, source }
  return ledgerEntryOf(id, { ...over, provider: over.model === 'kimi-k3' ? 'kimi' : 'glm', usage })
}

/** Exact cost by decimal digits alone, without the code under test: tokens times price per million, rounded up. */
export function oracle(entry: LedgerEntry): bigint {
  if (entry.outcome === 'cached' || entry.usage.source === 'none') return 0n
  const prices: Readonly<Record<string, readonly [bigint, bigint, bigint]>> = {
    'glm-5.2': [1_400_000_000n, 260_000_000n, 4_400_000_000n],
    'kimi-k3': [3_000_000_000n, 300_000_000n, 15_000_000_000n],
  }
  const price = prices[entry.model ?? '']
  if (!price) return 0n
  const input = BigInt(entry.usage.inputTokens)
  const cached = BigInt(Math.min(entry.usage.cachedInputTokens, entry.usage.inputTokens))
  const micro = (input - cached) * price[0] + cached * price[1] + BigInt(entry.usage.outputTokens) * price[2]
  return micro / 1_000_000n + (micro % 1_000_000n === 0n ? 0n : 1n)
}
