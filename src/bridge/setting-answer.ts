// What an answer to a setting that was said again means. Only who would never have it is taken at its word for good: a server that
// is merely busy, or has a bad moment, must not cost the client what it set an hour ago.

/**
 * `done`: it is set. `never`: the server will not have it, however often it is asked. `later`: nothing is wrong with it, and it may
 * be asked for again after so many milliseconds; null: the server did not say when. `failed`: nobody knows what asking again would do.
 */
export type SettingAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'never' }
  | { readonly kind: 'later'; readonly afterMs: number | null }
  | { readonly kind: 'failed' }

// As surfaces/mcp answers: what the caller must change, what is not there, what cannot be answered now.
const neverCodes: readonly unknown[] = [-32_602, -32_002]
const unavailable = -32_000
const refusalKeys = ['exai/refusal', 'exai/failure']

/** Reads a response. Never throws. */
export function readSettingAnswer(message: object): SettingAnswer {
  if (!('error' in message)) return { kind: 'done' }
  const { code, data } = fieldsOf(message.error)
  if (neverCodes.includes(code)) return { kind: 'never' }
  return code === unavailable ? { kind: 'later', afterMs: retryAfterOf(data) } : { kind: 'failed' }
}

function retryAfterOf(data: unknown): number | null {
  for (const key of refusalKeys) {
    const { retryAfterMs } = fieldsOf(fieldsOf(data)[key])
    if (typeof retryAfterMs === 'number' && retryAfterMs >= 0) return retryAfterMs
  }
  return null
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
