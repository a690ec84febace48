// How long to wait for a model: those that think are silent for minutes and still well. An operator may say otherwise for each provider.

import type { GenerateJob, ModelInfo } from './provider.ts'

/** A wait in milliseconds: for work that does not think, and for work that does. */
export interface PaceMs {
  readonly plain: number
  readonly thinking: number
}

/** How long a vendor may say nothing. */
export interface ModelTimeouts {
  /** Up to the first part of an answer; `plain` is for the replies to searches and pages as well. */
  readonly firstTokenMs: PaceMs
  /** Between two parts. */
  readonly silenceMs: PaceMs
}

/** What holds where nobody has said otherwise. */
export const timeoutDefaults: ModelTimeouts = {
  firstTokenMs: { plain: 60_000, thinking: 150_000 },
  silenceMs: { plain: 60_000, thinking: 180_000 },
}

/** Limits in milliseconds for the first part and for the silence between two. */
export function timeoutsFor(
  { firstTokenMs, silenceMs }: ModelTimeouts,
  job: Pick<GenerateJob, 'thinking'>,
  model: ModelInfo | null,
): { readonly firstPartTimeoutMs: number; readonly silenceTimeoutMs: number } {
  // Of a model nobody knows, the worst is assumed.
  const isUnknown = model === null || model.contextTokens === null
  const thinks =
    isUnknown || model.thinking === 'always' || (model.thinking === 'optional' && job.thinking !== 'off')
  const pace = thinks ? 'thinking' : 'plain'
  return { firstPartTimeoutMs: firstTokenMs[pace], silenceTimeoutMs: silenceMs[pace] }
}
