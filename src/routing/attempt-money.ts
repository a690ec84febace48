// The money of one attempt: set aside before it begins, settled when it has ended. A retry, a doubled cap, a fallback and a hedge each set
// aside their own, so no interleaving spends more than a budget; what a budget does not cover is not begun.

import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { Job } from '../providers/provider.ts'
import type { AttemptEnd } from './attempt-end.ts'
import type { PossibleAttempt } from './budgets.ts'
import type { RoutedCandidate } from './candidate-steps.ts'
import { estimateInput } from './input-estimate.ts'

/** What is set aside for one attempt; the first of the two ends counts. */
export interface AttemptMoney {
  /** It has ended. */
  settle(end: AttemptEnd): void
  /** It was not made: nothing was spent. */
  release(): void
}

// What a model reads and writes while it searches is not ours to cap; this is far above what a search takes.
const searchTokens = { inputTokens: 64_000, outputTokens: 16_384 } as const

/** An attempt at its dearest. */
export function dearest({ provider, model }: RoutedCandidate, job: Job): PossibleAttempt {
  const tokens =
    job.kind === 'generate'
      ? { inputTokens: estimateInput(job).tokens, outputTokens: job.outputTokensMax }
      : job.kind === 'search'
        ? searchTokens
        : { inputTokens: 0, outputTokens: 0 }
  return { provider, model, operation: job.kind, ...tokens }
}

/**
 * The steps without those the budgets could not pay for now: a dear model at the head of a chain does not bar the cheap one behind it.
 * The refusal of the first one where none is left.
 */
export function affordable(
  steps: readonly (readonly RoutedCandidate[])[],
  setAside: (candidate: RoutedCandidate, outputTokensMax: number | null) => AttemptMoney | Refusal | null,
): readonly (readonly RoutedCandidate[])[] | Refusal {
  let first: Refusal | null = null
  const fits = (candidate: RoutedCandidate): boolean => {
    const money = setAside(candidate, null)
    if (isRefusal(money)) {
      first ??= money
      return false
    }
    money?.release()
    return true
  }
  const left = steps.map((step) => step.filter(fits)).filter((step) => step.length > 0)
  return left.length === 0 && first !== null ? first : left
}
