import { describe, expect, it } from 'vitest'
import { parseUsage } from './usage.ts'

describe('usage as a vendor reports it', () => {
  it('is taken under either name, and a counted zero stays a zero', () => {
    expect(parseUsage({ prompt_tokens: 12, completion_tokens: 0 })).toMatchObject({
      inputTokens: 12,
      outputTokens: 0,
      source: 'provider',
    })
    expect(parseUsage({ input_tokens: 12, output_tokens: 5, cached_tokens: 8 })).toMatchObject({
      inputTokens: 12,
      outputTokens: 5,
      cachedInputTokens: 8,
    })
    expect(parseUsage({ prompt_tokens: 12 })).toMatchObject({ inputTokens: 12, outputTokens: 0 })
    expect(parseUsage({ total_tokens: 3 })).toBeNull()
  })

  it.each([2 ** 64, 100_000_001, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    'with a count of %d is none at all, so that it is estimated and not half believed',
    (absurd) => {
      expect(parseUsage({ prompt_tokens: absurd, completion_tokens: 5 })).toBeNull()
      expect(parseUsage({ prompt_tokens: 12, completion_tokens: absurd })).toBeNull()
      expect(parseUsage({ prompt_tokens: absurd })).toBeNull()
    },
  )

  it('keeps its counts where only what they are made of is absurd', () => {
    const usage = parseUsage({
      prompt_tokens: 12,
      completion_tokens: 5,
      cached_tokens: -1,
      completion_tokens_details: { reasoning_tokens: 2 ** 64 },
    })
    expect(usage).toMatchObject({
      inputTokens: 12,
      outputTokens: 5,
      cachedInputTokens: 0,
      reasoningTokens: 0,
      source: 'provider',
    })
  })
})
