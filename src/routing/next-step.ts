// After a failed attempt: what next? A pure decision from the failure and the job's history; who is free, cooling or broken is
// looked at afterwards, by the loop. Bounded on every road: visited targets, attempts, requeues, one doubled cap.

import type { CallFailure } from '../domain/failure.ts'
import { failureClass } from './failure-class.ts'
import { type Target, targetKey } from './target.ts'

/** What a job has tried so far. */
export interface JobHistory {
  /** Attempts that reached a vendor, requeued ones not counted. */
  attempts: number
  requeues: number
  hasDoubledCap: boolean
  /** `targetKey` of everything tried in this cycle. */
  readonly visited: Set<string>
  /** Providers that already got their second chance. */
  readonly retriedProviders: Set<string>
}

/** Where to go on, as seen from the target that failed. */
export type Direction = 'any' | 'other-group' | 'other-account' | 'other-model' | 'larger-window'

/** The decision. */
export type NextStep =
  | { readonly kind: 'stop' }
  /** The same target; `other-key` and `double-cap` change one thing, `again` waits a backoff. */
  | { readonly kind: 'again' | 'other-key' | 'double-cap' | 'requeue' }
  | { readonly kind: 'go-on'; readonly direction: Direction }

/** Bounds of one job. */
export interface StepLimits {
  readonly attemptsMax: number
  readonly requeuesMax: number
}

/** What the loop knows of the moment. */
export interface StepFacts {
  /** The surface has sent what it cannot take back. */
  readonly isCommitted: boolean
  /** The failed attempt cost next to none of the job's time. */
  readonly wasQuick: boolean
  /** Another candidate is free. */
  readonly hasOther: boolean
}

/** A fresh history. */
export function beginHistory(): JobHistory {
  return { attempts: 0, requeues: 0, hasDoubledCap: false, visited: new Set(), retriedProviders: new Set() }
}

/** Decides; changes nothing. */
export function nextStep(
  failure: CallFailure,
  target: Target,
  history: JobHistory,
  limits: StepLimits,
  facts: StepFacts,
): NextStep {
  const kind = isForeignSearch(failure, target) ? 'next-model' : failureClass(failure.code)
  if (kind === 'stop' || facts.isCommitted) return { kind: 'stop' }
  if (kind === 'requeue') {
    return history.requeues < limits.requeuesMax
      ? { kind: 'requeue' }
      : { kind: 'go-on', direction: 'other-group' }
  }
  if (history.attempts >= limits.attemptsMax) return { kind: 'stop' }
  switch (kind) {
    case 'transient':
      // A failure that its thrower calls final may still be another provider's success.
      if (!failure.retryable || history.retriedProviders.has(target.provider))
        return { kind: 'go-on', direction: 'any' }
      // A vendor that was silent, or failed slowly, has had its share of the time: whoever else is left gets the rest.
      return facts.wasQuick || !facts.hasOther ? { kind: 'again' } : { kind: 'go-on', direction: 'any' }
    case 'double-cap':
      // Twice nothing from this model; another one may have words.
      return history.hasDoubledCap ? { kind: 'go-on', direction: 'other-model' } : { kind: 'double-cap' }
    case 'other-key':
      return { kind: 'other-key' }
    case 'other-group':
      return { kind: 'go-on', direction: 'other-group' }
    case 'other-account':
      return { kind: 'go-on', direction: 'other-account' }
    case 'next-model':
      // Closed to this account: the same model through another one is as good as another model.
      return { kind: 'go-on', direction: 'any' }
    case 'larger-window':
      return { kind: 'go-on', direction: 'larger-window' }
  }
}

// A search is a line of words that the tool has checked: a vendor that does not accept the request does not accept our wording of it,
// and the next vendor has another.
function isForeignSearch(failure: CallFailure, target: Target): boolean {
  return failure.code === 'bad-request' && failure.isVendors && target.kind === 'search'
}

/** Whether a candidate lies in that direction and was not tried. */
export function liesAhead(
  candidate: Target,
  failed: Target,
  direction: Direction,
  history: JobHistory,
): boolean {
  if (history.visited.has(targetKey(candidate))) return false
  switch (direction) {
    case 'any':
      return true
    case 'other-group':
      return candidate.group !== failed.group
    case 'other-account':
      return candidate.accountName !== failed.accountName
    case 'other-model':
      return candidate.model !== failed.model || candidate.provider !== failed.provider
    case 'larger-window':
      return (
        candidate.contextTokens !== null &&
        (failed.contextTokens === null || candidate.contextTokens > failed.contextTokens)
      )
  }
}
