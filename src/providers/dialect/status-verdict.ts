// What an HTTP status means when the body says nothing we know. The last resort of every vendor's table.

import type { FailureCode } from '../../domain/failure.ts'
import type { WireError } from './wire-error.ts'

/** `The provider glm <happened> (…). <advice>` */
export type VerdictWords = readonly [happened: string, advice: string]

/**
 * What a vendor's error is to us. `retryable` is about the same request at the same account. Milliseconds; null: no time helps,
 * whatever a header says.
 */
export interface Verdict {
  readonly code: FailureCode
  readonly retryable: boolean
  readonly retryAfterMs?: number | null
  /** Where the words of the code would mislead: what the provider did, and what to do. */
  readonly words?: VerdictWords
}

const byStatus: Readonly<Record<number, Verdict>> = {
  400: { code: 'bad-request', retryable: false },
  401: { code: 'credential-rejected', retryable: false },
  402: { code: 'quota-exhausted', retryable: false, retryAfterMs: null },
  403: { code: 'permission-denied', retryable: false },
  404: { code: 'bad-request', retryable: false },
  // A web firewall in front of the vendor answers 405 with a page: the same request meets it again.
  405: { code: 'provider-error', retryable: false },
  408: { code: 'timeout', retryable: true },
  409: { code: 'provider-error', retryable: true },
  413: { code: 'bad-request', retryable: false },
  422: { code: 'bad-request', retryable: false },
  429: { code: 'rate-limited', retryable: true },
  // Said when a gateway thinks that we hung up; had we, nobody would read this.
  499: { code: 'provider-error', retryable: true },
  503: { code: 'overloaded', retryable: true },
  // Our own door says so when a provider's address leads back to it.
  508: { code: 'provider-error', retryable: false },
  529: { code: 'overloaded', retryable: true },
}

const overflow =
  /context (length|size|window)|maximum context|token length too long|exceeded model token limit|prompt is too long/i
const modelMissing = /model\b.*\b(not found|does not exist|unknown)|(not found|unknown).*\bmodel\b/i

/** Verdict by status, refined by the two messages that are alike everywhere: input too long, model not there. */
export function verdictByStatus(error: WireError): Verdict {
  // Inside a stream the status is 200 and a numeric code is the status meant.
  const coded = Number(error.code)
  const status = error.status < 400 && coded >= 400 && coded <= 599 ? coded : error.status
  if ((status === 400 || status === 413 || status < 400) && overflow.test(error.message))
    return { code: 'context-too-long', retryable: false }
  if ((status === 404 || status === 400) && modelMissing.test(error.message))
    return { code: 'model-unknown', retryable: false }
  const known = byStatus[status]
  if (known) return known
  if (status >= 400 && status < 500) return { code: 'bad-request', retryable: false }
  if (status >= 300 && status < 400) return { code: 'provider-error', retryable: false }
  return { code: 'provider-error', retryable: true }
}
