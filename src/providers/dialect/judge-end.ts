// What the end of an answer means: a finish reason of ours, or a failure. An answer without content is never a success.

import { CallFailure } from '../../domain/failure.ts'
import type { FinishReason } from '../provider.ts'

/** What is known when a stream has ended with a terminal marker; `finishReason` is null when only `[DONE]` came. */
interface EndFacts {
  readonly finishReason: string | null
  readonly hasText: boolean
  readonly hasToolCalls: boolean
}

/** Our finish reason, or the failure. Unknown reasons after content are taken as a plain stop. */
export function judgeEnd(provider: string, facts: EndFacts): FinishReason | CallFailure {
  const hasContent = facts.hasText || facts.hasToolCalls
  switch (facts.finishReason) {
    case 'sensitive':
    case 'content_filter':
      return new CallFailure('content-filtered', {
        message: `The provider ${provider} stopped the answer for its content. Rephrase the request.`,
        detail: `finish_reason ${facts.finishReason}`,
      })
    case 'network_error':
    case 'error':
      return new CallFailure('provider-error', {
        message: `The provider ${provider} failed in the middle of the answer. Try again.`,
        retryable: true,
        detail: `finish_reason ${facts.finishReason}`,
      })
    case 'model_context_window_exceeded':
      return new CallFailure('context-too-long', {
        message: `Input and answer together do not fit the model's window at the provider ${provider}. Shorten the input.`,
        detail: 'finish_reason model_context_window_exceeded',
      })
    case 'abort':
      return new CallFailure('truncated', {
        message: `The provider ${provider} aborted the answer. Try again.`,
        retryable: true,
        detail: 'finish_reason abort',
      })
    case 'length':
      if (hasContent) return 'length'
      // Thoughts count against the cap: a small one is used up before the first word.
      return new CallFailure('empty-output', {
        message: `The output limit was used up before the provider ${provider} wrote any answer. Ask for less at once, or use another model.`,
        detail: 'finish_reason length without content',
      })
    default:
      if (facts.hasToolCalls) return 'tool-use'
      if (hasContent) return 'stop'
      return new CallFailure('empty-output', {
        message: `The provider ${provider} ended its answer without writing anything. Try again.`,
        retryable: true,
        detail: `finish_reason ${facts.finishReason ?? 'absent'} without content`,
      })
  }
}
