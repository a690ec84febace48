// The one way this room says that a file cannot be read: what is wrong, then what to do.

import { CallFailure } from '../domain/failure.ts'

/** A `document-unreadable` failure; `advice` is a sentence too. */
export function unreadable(name: string, problem: string, advice: string, cause?: unknown): CallFailure {
  return new CallFailure('document-unreadable', {
    message: `"${shownName(name)}" ${problem}. ${advice}`,
    ...(cause === undefined ? {} : { cause, detail: String(cause).slice(0, 500) }),
  })
}

/** A file name fit to be shown: no control characters, at most 120 characters. */
export function shownName(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, 120) || 'document'
}
