// The money and the tokens of one attempt: set aside before it begins, settled when it has ended. A retry, a doubled cap, a fallback and a
// hedge each set aside their own, so no interleaving spends more than a budget; what a budget does not cover is not begun.

import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { PricedWork } from '../ledger/price-table.ts'
import type { Job } from '../providers/provider.ts'
import type { AttemptEnd } from './attempt-end.ts'
import type { RoutedCandidate } from './candidate-steps.ts'
import { estimateInput, outputCap } from './input-estimate.ts'
import { mostInput } from './most-input.ts'

/** An attempt before it is made; tokens at their worst. */
export interface PossibleAttempt extends PricedWork {
  readonly inputTokens: number
  readonly outputTokens: number
  /** Paid searches at most. */
  readonly searches?: number
  /** Tokens that it will probably take, for quotas of tokens. */
  readonly expected: { readonly inputTokens: number; readonly outputTokens: number }
}

/** What is set aside for one attempt; the first of the two ends counts. */
export interface AttemptMoney {
  /** It has ended. */
  settle(end: AttemptEnd): void
  /** It was not made: nothing was spent. */
  release(): void
  /** Gives it back for a moment; what it answers sets it aside again, whatever has come between. */
  suspend(): () => void
}

// What a model reads while it searches is its vendor's affair and has no bound: this is far above what a search takes, and a guess. What it
// writes is four answers of 8,192 tokens at most.
const searchTokens = { inputTokens: 64_000, outputTokens: 32_768 } as const

/**
 * An attempt at its dearest: all the input a vendor can count, none of it kept by its cache, and output up to its cap. `expectOutput`
 * guesses its output, at most the cap it is given.
 */
export function dearest(
  { provider, model, configured }: RoutedCandidate,
  job: Job,
  expectOutput: (cap: number) => number,
): PossibleAttempt {
  const expected = { inputTokens: estimateInput(job).tokens, outputTokens: expectOutput(outputCap(job)) }
  const tokens =
    job.kind === 'generate'
      ? { inputTokens: mostInput(job), outputTokens: job.outputTokensMax }
      : job.kind === 'search'
        ? searchTokens
        : { inputTokens: 0, outputTokens: 0 }
  const { searchesMax = 1 } = configured.provider.capabilities
  const searches = job.kind === 'search' ? { searches: searchesMax } : {}
  return { provider, model, operation: job.kind, ...tokens, ...searches, expected }
}

/**
 * The steps without those the quotas have no room for: a dear model at the head of a chain does not bar the cheap one behind it.
 * Where none is left, the refusal of the one that fits first: whoever comes back then is served.
 */
export function affordable(
  steps: readonly (readonly RoutedCandidate[])[],
  setAside: (candidate: RoutedCandidate, outputTokensMax: number | null) => AttemptMoney | Refusal | null,
): readonly (readonly RoutedCandidate[])[] | Refusal {
  let soonest: Refusal | null = null
  const fits = (candidate: RoutedCandidate): boolean => {
    const money = setAside(candidate, null)
    if (isRefusal(money)) {
      if (soonest === null || waitOf(money) < waitOf(soonest)) soonest = money
      return false
    }
    money?.release()
    return true
  }
  const left = steps.map((step) => step.filter(fits)).filter((step) => step.length > 0)
  return left.length === 0 && soonest !== null ? soonest : left
}

function waitOf({ retryAfterMs }: Refusal): number {
  return retryAfterMs ?? Number.POSITIVE_INFINITY
}
