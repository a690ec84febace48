// Kimi's errors (providers.md 2.10): the type decides, then the words of the message. Its limits are told only in words:
// which dimension, how large, how long to wait. The told wait is often too short, so the limit itself is counted in.

import { type Verdict, verdictByStatus } from './dialect/status-verdict.ts'
import type { WireError } from './dialect/wire-error.ts'
import { parseRetryText } from './retry-after.ts'

interface TypeRow {
  readonly types: readonly string[]
  /** Further condition on the message; rows are tried from the top. */
  readonly says?: RegExp
  readonly verdict: Verdict
  /** The least wait the limit implies, milliseconds. */
  readonly waitMs?: (message: string) => number
}

const no = (code: Verdict['code']): Verdict => ({ code, retryable: false })
const yes = (code: Verdict['code']): Verdict => ({ code, retryable: true })
const limits = ['rate_limit_reached_error', 'rate_limit_error']
const minuteMs = 60_000

/** Every known type; the first row that fits counts. */
export const kimiErrorRows: readonly TypeRow[] = [
  { types: ['content_filter'], verdict: no('content-filtered') },
  {
    types: ['invalid_request_error'],
    says: /token length too long|exceeded model token limit/i,
    verdict: no('context-too-long'),
  },
  { types: ['invalid_request_error'], says: /max file count/i, verdict: no('quota-exhausted') },
  { types: ['invalid_request_error'], verdict: no('bad-request') },
  { types: ['invalid_authentication_error', 'incorrect_api_key_error'], verdict: no('credential-rejected') },
  { types: ['permission_denied_error'], verdict: no('permission-denied') },
  { types: ['resource_not_found_error'], says: /not found the model/i, verdict: no('model-unknown') },
  { types: ['resource_not_found_error'], verdict: no('bad-request') },
  { types: ['engine_overloaded_error', 'server_unavailable'], verdict: yes('overloaded') },
  { types: ['exceeded_current_quota_error'], verdict: no('quota-exhausted') },
  { types: limits, says: /concurrency/i, verdict: yes('concurrency-limited') },
  { types: limits, says: /\bTPD\b/, verdict: no('quota-exhausted') },
  { types: limits, says: /\bTPM\b/, verdict: yes('rate-limited'), waitMs: () => minuteMs },
  { types: limits, says: /\bRPM\b/, verdict: yes('rate-limited'), waitMs: spacingOf },
  { types: limits, verdict: yes('rate-limited') },
  { types: ['server_error', 'unexpected_output', 'client_closed_request'], verdict: yes('provider-error') },
]

/** Verdict for one of Kimi's errors. `server_unavailable` and its like come as type or as code. */
export function classifyKimiError(error: WireError): Verdict {
  const names = [error.type, error.code]
  const row = kimiErrorRows.find(
    ({ types, says }) =>
      types.some((type) => names.includes(type)) && (says === undefined || says.test(error.message)),
  )
  if (!row) {
    if (/too many requests at the moment/i.test(error.message)) return yes('overloaded')
    return verdictByStatus(error)
  }
  const told = parseRetryText(error.message)
  const implied = row.waitMs?.(error.message) ?? null
  if (told === null && implied === null) return row.verdict
  return { ...row.verdict, retryAfterMs: Math.max(told ?? 0, implied ?? 0, error.retryAfterMs ?? 0) }
}

/** `max RPM: 3` means one request in twenty seconds, whatever the message says about one second. */
function spacingOf(message: string): number {
  const perMinute = Number(/max RPM:\s*(\d+)/i.exec(message)?.[1])
  return perMinute > 0 ? Math.ceil(minuteMs / perMinute) : 0
}
