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
  /** Milliseconds until another attempt looks, where the vendor names no time. */
  readonly resetMs?: number
}

const no = (code: Verdict['code']): Verdict => ({ code, retryable: false })
const yes = (code: Verdict['code']): Verdict => ({ code, retryable: true })
const limits = ['rate_limit_reached_error', 'rate_limit_error']
const minuteMs = 60_000
// Nobody knows when the vendor's day begins: one attempt an hour looks, and is refused at no cost or finds the quota back.
const dayProbeMs = 3_600_000

/** Every known type; the first row that fits counts. */
export const kimiErrorRows: readonly TypeRow[] = [
  { types: ['content_filter'], verdict: no('content-filtered') },
  {
    types: ['invalid_request_error'],
    says: /token length too long|exceeded model token limit/i,
    verdict: no('context-too-long'),
  },
  // Extractions of others on their way end within a minute and delete their files; chats need no place for one.
  {
    types: ['invalid_request_error'],
    says: /max file count/i,
    verdict: {
      ...no('quota-exhausted'),
      words: [
        'holds as many files of this account as it allows',
        'Delete old ones in its console, or try again in a minute.',
      ],
    },
    resetMs: minuteMs,
  },
  { types: ['invalid_request_error'], verdict: no('bad-request') },
  { types: ['invalid_authentication_error', 'incorrect_api_key_error'], verdict: no('credential-rejected') },
  { types: ['permission_denied_error'], says: /your ip is not allowed/i, verdict: no('account-blocked') },
  { types: ['permission_denied_error'], verdict: no('permission-denied') },
  { types: ['resource_not_found_error'], says: /not found the model/i, verdict: no('model-unknown') },
  { types: ['resource_not_found_error'], verdict: no('bad-request') },
  { types: ['engine_overloaded_error', 'server_unavailable'], verdict: yes('overloaded') },
  {
    types: ['exceeded_current_quota_error'],
    verdict: { ...no('quota-exhausted'), retryAfterMs: null },
  },
  { types: limits, says: /concurrency/i, verdict: yes('concurrency-limited') },
  { types: limits, says: /\b[TR]PD\b/, verdict: no('quota-exhausted'), resetMs: dayProbeMs },
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
  if (row.verdict.retryAfterMs === null) return row.verdict
  const told = parseRetryText(error.message)
  const unnamed = told === null && error.retryAfterMs === null ? row.resetMs : undefined
  const implied = row.waitMs?.(error.message) ?? unnamed ?? null
  if (told === null && implied === null) return row.verdict
  return { ...row.verdict, retryAfterMs: Math.max(told ?? 0, implied ?? 0, error.retryAfterMs ?? 0) }
}

/** `max concurrency: 3`, as its refusal tells; null when it speaks of something else. */
export function kimiConcurrencyTold(error: WireError): number | null {
  const told = Number(/max concurrency:\s*(\d{1,6})/i.exec(error.message)?.[1])
  return told > 0 ? told : null
}

/** `max RPM: 3` means one request in twenty seconds, whatever the message says about one second. */
function spacingOf(message: string): number {
  const perMinute = Number(/max RPM:\s*(\d+)/i.exec(message)?.[1])
  return perMinute > 0 ? Math.ceil(minuteMs / perMinute) : 0
}
