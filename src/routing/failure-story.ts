// The failure a caller sees after several attempts: the last one, with what was tried before it, so that a person at 3 a.m. does not
// blame the last link of a chain for the first.

import { CallFailure } from '../domain/failure.ts'
import type { Target } from './target.ts'

/** An attempt that failed, or a target that could not be tried. */
export interface Setback {
  readonly target: Target
  readonly failure: CallFailure
  /** Milliseconds; 0 where nothing was tried. */
  readonly tookMs: number
}

/** The last failure, telling the others. `retryAfterMs`: when it may be worth coming back; null keeps the failure's own. */
export function withStory(setbacks: readonly Setback[], retryAfterMs: number | null): CallFailure | null {
  const last = setbacks.at(-1)
  if (last === undefined) return null
  const { failure } = last
  const before = toldOf(setbacks.slice(0, -1))
  if (before === '' && retryAfterMs === null) return failure
  const comeBackMs = retryAfterMs ?? failure.retryAfterMs
  const message = before === '' ? failure.message : `${failure.message} Tried before it: ${before}.`
  // A queue that says no has no detail of its own: the log is told why the vendor had sent the job there.
  const detail = failure.refusal === null ? failure.detail : lastDetailOf(setbacks)
  return new CallFailure(failure.code, {
    message,
    retryable: failure.retryable,
    cause: failure,
    isVendors: failure.isVendors,
    ...(comeBackMs === null ? {} : { retryAfterMs: Math.ceil(comeBackMs) }),
    ...(detail === null ? {} : { detail }),
    // Surfaces show a refusal in its own words: they tell the story too.
    ...(failure.refusal === null ? {} : { refusal: { ...failure.refusal, message } }),
  })
}

/** Setbacks in one line: `glm/main glm-5.2 (timeout after 150 s), kimi/main kimi-k3 (overloaded, 2 times)`. Empty for none. */
export function toldOf(setbacks: readonly Setback[]): string {
  // A vendor that sent a job back twenty times is one of its entries.
  const entries = new Map<string, { name: string; what: string; count: number }>()
  for (const { target, failure, tookMs } of setbacks) {
    const name = nameOf(target)
    const after = failure.code === 'timeout' ? ` after ${Math.round(tookMs / 1_000)} s` : ''
    const what = `${failure.code}${after}`
    const known = entries.get(`${name} ${what}`)
    if (known) known.count++
    else entries.set(`${name} ${what}`, { name, what, count: 1 })
  }
  return [...entries.values()]
    .map(({ name, what, count }) => `${name} (${count === 1 ? what : `${what}, ${count} times`})`)
    .join(', ')
}

function lastDetailOf(setbacks: readonly Setback[]): string | null {
  return setbacks.findLast(({ failure }) => failure.detail !== null)?.failure.detail ?? null
}

function nameOf(target: Target): string {
  return target.model === null ? target.accountName : `${target.accountName} ${target.model}`
}
