// Ends of attempts for tests: said by what sets them apart.

import type { AttemptEnd } from './attempt-end.ts'
import { targetOf } from './target-of.ts'

/** A job's first attempt, which ended before anything came of it, but for what `more` says. */
export function attemptEndOf(outcome: AttemptEnd['outcome'], more: Partial<AttemptEnd> = {}): AttemptEnd {
  return {
    attemptId: 'a-1',
    number: 1,
    target: targetOf(),
    keyName: 'glm/main#0',
    outcome,
    isHedge: false,
    endedAtMs: 0,
    durationMs: 1,
    hasBegun: false,
    firstPartMs: null,
    usage: null,
    outputChars: 0,
    outputTokensMax: null,
    ...more,
  }
}
