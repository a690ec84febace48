// How long to wait for a model: those that think are silent for minutes and still well.

import type { Attempt, GenerateJob, ModelInfo } from './provider.ts'

const firstPartMs = { plain: 60_000, thinking: 150_000 }
const silenceMs = { plain: 60_000, thinking: 180_000 }

/** Limits in milliseconds for the first part and for the silence between two; the attempt's own come first. */
export function timeoutsFor(
  attempt: Attempt,
  job: Pick<GenerateJob, 'thinking'>,
  model: ModelInfo | null,
): { firstPartTimeoutMs: number; silenceTimeoutMs: number } {
  // Of a model nobody knows, the worst is assumed.
  const isUnknown = model === null || model.contextTokens === null
  const thinks =
    isUnknown || model.thinking === 'always' || (model.thinking === 'optional' && job.thinking !== 'off')
  const pace = thinks ? 'thinking' : 'plain'
  return {
    firstPartTimeoutMs: attempt.firstPartTimeoutMs ?? firstPartMs[pace],
    silenceTimeoutMs: attempt.silenceTimeoutMs ?? silenceMs[pace],
  }
}
