// A job before routing, and what becomes of it at a candidate: its model, and room for thinking where that thinks.

import type { ExtractJob, GenerateJob, Job, ReadJob, SearchJob } from '../providers/provider.ts'
import type { RoutedCandidate } from './candidate-steps.ts'

/** A job before routing: which model will do it is not decided yet. */
export type JobDraft = Omit<GenerateJob, 'model'> | SearchJob | ReadJob | ExtractJob

// Reasoning counts against the output cap: a cap for the answer alone would end in `length` before its first word.
const thinkingTokensMin = 16_384

/** The job as a candidate gets it. `cap` is the draft's own, or that doubled: the room for reasoning grows with it; null: its own. */
export function toJob(draft: JobDraft, { configured, model }: RoutedCandidate, cap: number | null): Job {
  if (draft.kind !== 'generate') return draft
  const known = configured.provider.models.find(({ id }) => id === model)
  const thinks =
    known !== undefined &&
    known.thinking !== 'none' &&
    (draft.thinking !== 'off' || known.thinking === 'always')
  const wanted = thinks ? Math.max(draft.outputTokensMax, thinkingTokensMin) : draft.outputTokensMax
  const grown = Math.ceil((wanted * (cap ?? draft.outputTokensMax)) / draft.outputTokensMax)
  const outputTokensMax = Math.min(grown, Math.max(wanted, known?.outputTokensMax ?? grown))
  return { ...draft, model: model ?? '', outputTokensMax }
}
