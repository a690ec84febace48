// The failure a caller sees after several attempts: the last one, with what was tried before it, so that a person at 3 a.m. does not
// blame the last link of a chain for the first.

import { CallFailure } from '../domain/failure.ts'
import type { Target } from './target.ts'

/** An attempt that failed, or a target that could not be tried. */
export interface Setback {
  readonly target: Target
  readonly failure: CallFailure
}

/** The last failure, telling the others. `retryAfterMs`: when it may be worth coming back; null keeps the failure's own. */
export function withStory(setbacks: readonly Setback[], retryAfterMs: number | null): CallFailure | null {
  const last = setbacks.at(-1)
  if (last === undefined) return null
  const { failure } = last
  const before = told(setbacks.slice(0, -1))
  if (before.length === 0 && retryAfterMs === null) return failure
  const comeBackMs = retryAfterMs ?? failure.retryAfterMs
  return new CallFailure(failure.code, {
    message:
      before.length === 0 ? failure.message : `${failure.message} Tried before it: ${before.join(', ')}.`,
    retryable: failure.retryable,
    cause: failure,
    ...(comeBackMs === null ? {} : { retryAfterMs: Math.ceil(comeBackMs) }),
    ...(failure.detail === null ? {} : { detail: failure.detail }),
    ...(failure.refusal === null ? {} : { refusal: failure.refusal }),
  })
}

// A vendor that sent a job back twenty times is one line of the story.
function told(setbacks: readonly Setback[]): readonly string[] {
  const counts = new Map<string, { name: string; code: string; count: number }>()
  for (const { target, failure } of setbacks) {
    const name = nameOf(target)
    const key = `${name} ${failure.code}`
    const known = counts.get(key)
    if (known) known.count++
    else counts.set(key, { name, code: failure.code, count: 1 })
  }
  return [...counts.values()].map(
    ({ name, code, count }) => `${name} (${count === 1 ? code : `${code}, ${count} times`})`,
  )
}

function nameOf(target: Target): string {
  return target.model === null ? target.accountName : `${target.accountName} ${target.model}`
}
