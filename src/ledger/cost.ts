// What an attempt cost, exactly: whole nano-dollars, rounded up once, by integers alone. A float loses cents over a month.

import type { Usage } from '../providers/provider.ts'

/** Nano-dollars per million tokens, and per attempt, or per search of it, where a vendor charges by the operation. */
export interface TokenPrice {
  readonly input: bigint
  readonly cachedInput: bigint
  readonly output: bigint
  readonly perAttempt: bigint
}

const million = 1_000_000n

/**
 * Rounded-up nano-dollars. Cached input is part of the input and has its own price; reasoning is part of the output, as both
 * vendors count it. Negative and broken counts, which vendors have sent, count as none.
 */
export function costNanoUsd(
  usage: Pick<Usage, 'inputTokens' | 'cachedInputTokens' | 'outputTokens' | 'searches'>,
  price: TokenPrice,
): bigint {
  const input = tokens(usage.inputTokens)
  const cached = min(tokens(usage.cachedInputTokens), input)
  const sum =
    (input - cached) * price.input + cached * price.cachedInput + tokens(usage.outputTokens) * price.output
  return (sum + million - 1n) / million + tokens(usage.searches ?? 1) * price.perAttempt
}

/** Whole tokens, never negative. */
export function tokens(count: number): bigint {
  return Number.isFinite(count) && count > 0 ? BigInt(Math.ceil(count)) : 0n
}

/** Decimal US dollars ("1.40") to nano-dollars. Throws on anything that is not a plain amount with at most nine decimals. */
export function toNanoUsd(dollars: string): bigint {
  const match = /^(\d{1,9})(?:\.(\d{1,9}))?$/.exec(dollars)
  if (!match) {
    throw new Error(
      `"${dollars}" is no amount of US dollars; write it like "1.40", with at most nine decimals.`,
    )
  }
  return BigInt(match[1] ?? '0') * 1_000_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'))
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
