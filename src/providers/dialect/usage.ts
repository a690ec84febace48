// Tokens as vendors report them, in each placement and under each name; and our guess when they report nothing.

import { attemptTokensMax } from '../../domain/token-count.ts'
import type { Usage } from '../provider.ts'
import { isRecord } from './wire-error.ts'

/**
 * A vendor's `usage` object, or null when it holds no counts. Cached tokens stand at two places. Where the input or the output cannot be
 * what was used, the other is not believed either: an estimate that says so is worth more than half a count that passes for a whole one.
 */
export function parseUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null
  const [inputSaid, outputSaid] = [
    value.prompt_tokens ?? value.input_tokens,
    value.completion_tokens ?? value.output_tokens,
  ]
  const [input, output] = [toCount(inputSaid), toCount(outputSaid)]
  if (input === null && output === null) return null
  if ([inputSaid, outputSaid].some((said) => typeof said === 'number' && toCount(said) === null)) return null
  const inputDetails = isRecord(value.prompt_tokens_details) ? value.prompt_tokens_details : {}
  const outputDetails = isRecord(value.completion_tokens_details) ? value.completion_tokens_details : {}
  return {
    inputTokens: input ?? 0,
    outputTokens: output ?? 0,
    cachedInputTokens: toCount(value.cached_tokens) ?? toCount(inputDetails.cached_tokens) ?? 0,
    reasoningTokens: toCount(outputDetails.reasoning_tokens) ?? 0,
    source: 'provider',
  }
}

/** Two usages as one; an estimate makes the sum an estimate. */
export function addUsage(one: Usage, other: Usage): Usage {
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    cachedInputTokens: one.cachedInputTokens + other.cachedInputTokens,
    reasoningTokens: one.reasoningTokens + other.reasoningTokens,
    source: one.source === 'estimated' ? 'estimated' : other.source,
  }
}

/** Characters counted as they come, so that no text is kept for the sake of a guess. */
export class TokenEstimate {
  #ascii = 0
  #wide = 0

  add(text: string): void {
    for (let i = 0; i < text.length; i++) {
      if (text.charCodeAt(i) < 0x2e80) this.#ascii++
      else this.#wide++
    }
  }

  /** About four letters a token, and about 0.6 tokens for a Chinese, Japanese or Korean character. */
  get tokens(): number {
    return Math.ceil(this.#ascii / 4 + this.#wide * 0.6)
  }
}

function toCount(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && value <= attemptTokensMax ? Math.round(value) : null
}
