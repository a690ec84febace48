import { describe, expect, it } from 'vitest'
import type { FailureCode } from '../domain/failure.ts'
import { readErrorBody } from './dialect/wire-error.ts'
import { classifyKimiError, kimiConcurrencyTold } from './kimi-errors.ts'
import { toVendorFailure } from './vendor-failure.ts'

const account = 'Your account org-abcdef0123456789<ak-f4k3keyid1234> request reached'

// The rows of providers.md 2.10.
const rows: readonly [
  status: number,
  type: string,
  message: string,
  code: FailureCode,
  retryable: boolean,
  retryAfterMs: number | null,
][] = [
  [
    400,
    'content_filter',
    'The request was rejected because it was considered high risk',
    'content-filtered',
    false,
    null,
  ],
  [400, 'invalid_request_error', 'Invalid request: messages', 'bad-request', false, null],
  [400, 'invalid_request_error', 'Input token length too long', 'context-too-long', false, null],
  [
    400,
    'invalid_request_error',
    'Invalid request: Your request exceeded model token limit : 262144',
    'context-too-long',
    false,
    null,
  ],
  [
    400,
    'invalid_request_error',
    'Invalid purpose: x, only `file-extract`, `batch` accepted',
    'bad-request',
    false,
    null,
  ],
  [
    400,
    'invalid_request_error',
    'File size is too large, max file size is 100MB, please confirm and re-upload the file',
    'bad-request',
    false,
    null,
  ],
  [
    400,
    'invalid_request_error',
    'The number of files you have uploaded exceeded the max file count 1000, please delete previous uploaded files',
    'quota-exhausted',
    false,
    60_000,
  ],
  [
    400,
    'invalid_request_error',
    'invalid temperature: only 1 is allowed for this model',
    'bad-request',
    false,
    null,
  ],
  [401, 'invalid_authentication_error', 'Invalid Authentication', 'credential-rejected', false, null],
  [401, 'incorrect_api_key_error', 'Incorrect API key provided', 'credential-rejected', false, null],
  [403, 'permission_denied_error', 'The API you are accessing is not open', 'permission-denied', false, null],
  [
    403,
    'permission_denied_error',
    'Your IP is not allowed to access this organization',
    'account-blocked',
    false,
    null,
  ],
  [
    404,
    'resource_not_found_error',
    'Not found the model kimi-k9 or Permission denied',
    'model-unknown',
    false,
    null,
  ],
  [
    429,
    'engine_overloaded_error',
    'The engine is currently overloaded, please try again later',
    'overloaded',
    true,
    null,
  ],
  [
    429,
    'exceeded_current_quota_error',
    'You exceeded your current token quota: <org-abcdef0123456789> 0, please check your account balance',
    'quota-exhausted',
    false,
    null,
  ],
  [
    429,
    'exceeded_current_quota_error',
    'Your account org-abcdef0123456789<ak-f4k3keyid1234> is suspended, please check your plan and billing details',
    'quota-exhausted',
    false,
    null,
  ],
  [
    429,
    'rate_limit_reached_error',
    `${account} organization max concurrency: 3, please try again after 1 seconds`,
    'concurrency-limited',
    true,
    1000,
  ],
  [
    429,
    'rate_limit_reached_error',
    `${account} organization max RPM: 3, please try again after 1 seconds`,
    'rate-limited',
    true,
    20_000,
  ],
  [
    429,
    'rate_limit_reached_error',
    `${account} organization max RPM: 200, please try again after 5 seconds`,
    'rate-limited',
    true,
    5000,
  ],
  [
    429,
    'rate_limit_reached_error',
    `${account} organization TPM rate limit, current:600000, limit:500000`,
    'rate-limited',
    true,
    60_000,
  ],
  [
    429,
    'rate_limit_reached_error',
    `${account} organization TPD rate limit, current:1600000, limit:1500000`,
    'quota-exhausted',
    false,
    3_600_000,
  ],
  [
    429,
    'rate_limit_reached_error',
    `${account} organization max RPD: 500, please try again after 600 seconds`,
    'quota-exhausted',
    false,
    600_000,
  ],
  [
    429,
    'rate_limit_reached_error',
    'org-abcdef0123456789 proj-98765abcde <ak-f4k3keyid1234> request reached project TPM rate limit',
    'rate-limited',
    true,
    60_000,
  ],
  [429, 'rate_limit_error', 'usage window is used up', 'rate-limited', true, null],
  [
    429,
    'something_new',
    "We're receiving too many requests at the moment. Please wait.",
    'overloaded',
    true,
    null,
  ],
  [429, 'something_new', 'no', 'rate-limited', true, null],
  [499, 'client_closed_request', '', 'provider-error', true, null],
  [500, 'server_error', 'Failed to extract file: broken', 'provider-error', true, null],
  [500, 'unexpected_output', 'invalid state transition', 'provider-error', true, null],
  [503, 'server_unavailable', '', 'overloaded', true, null],
]

function failureOf(body: string, status: number, headerMs: number | null = null) {
  const vendor = { name: 'kimi', classify: classifyKimiError }
  return toVendorFailure(vendor, readErrorBody(body, status, headerMs), 'sk-thekeyinuse123')
}

describe('errors of Kimi', () => {
  it.each(rows)('HTTP %s %s "%s" is %s', (status, type, message, code, retryable, retryAfterMs) => {
    const failure = failureOf(JSON.stringify({ error: { message, type } }), status)
    expect(failure).toMatchObject({ code, retryable, retryAfterMs })
  })

  it.each(rows)('inside a stream, HTTP %s %s is the same', (_status, type, message, code, retryable) => {
    if (type === 'something_new') return
    expect(failureOf(JSON.stringify({ error: { message, type } }), 200)).toMatchObject({ code, retryable })
  })

  it('masks organisation, project and key ids in message and detail', () => {
    for (const [status, type, message] of rows) {
      const failure = failureOf(JSON.stringify({ error: { message, type } }), status)
      expect(`${failure.message} ${failure.detail}`).not.toMatch(/abcdef0123456789|f4k3keyid1234|98765abcde/)
    }
  })

  it('takes the longest of header, text and limit', () => {
    const body = (message: string): string =>
      JSON.stringify({ error: { message, type: 'rate_limit_reached_error' } })
    expect(failureOf(body('max RPM: 3, please try again after 1 seconds'), 429, 45_000).retryAfterMs).toBe(
      45_000,
    )
    expect(failureOf(body('max RPM: 3, please try again after 30 seconds'), 429).retryAfterMs).toBe(30_000)
  })

  it('names no time for money that is gone, whatever a header says', () => {
    const body = JSON.stringify({ error: { message: 'check', type: 'exceeded_current_quota_error' } })
    expect(failureOf(body, 429, 3000).retryAfterMs).toBeNull()
  })

  it('believes a Retry-After of a used up day', () => {
    const message = 'TPD rate limit, current:1, limit:1'
    const body = JSON.stringify({ error: { message, type: 'rate_limit_reached_error' } })
    expect(failureOf(body, 429, 90_000).retryAfterMs).toBe(90_000)
  })

  it('says what to do about too many files', () => {
    const message = 'The number of files you have uploaded exceeded the max file count 1000'
    const body = JSON.stringify({ error: { message, type: 'invalid_request_error' } })
    expect(failureOf(body, 400).message).toMatch(/holds as many files .* Delete old ones/)
  })

  it('keeps Retry-After of an overloaded engine', () => {
    const body = JSON.stringify({ error: { message: 'busy', type: 'engine_overloaded_error' } })
    expect(failureOf(body, 429, 3000).retryAfterMs).toBe(3000)
  })

  it('takes the HTML of a gateway for a passing failure', () => {
    const failure = failureOf('<html><h1>504 Gateway Time-out</h1></html>', 504)
    expect(failure).toMatchObject({ code: 'provider-error', retryable: true })
    expect(failure.message).not.toContain('<h1>')
  })
})

describe('a concurrency that a refusal tells', () => {
  it('is read from its words, and from no other limit', () => {
    const told = (message: string): number | null =>
      kimiConcurrencyTold(
        readErrorBody(JSON.stringify({ error: { message, type: 'rate_limit_reached_error' } }), 429, null),
      )
    expect(told(`${account} organization max concurrency: 50, please try again after 1 seconds`)).toBe(50)
    expect(told(`${account} organization max RPM: 3, please try again after 1 seconds`)).toBeNull()
    expect(told('max concurrency: none')).toBeNull()
  })
})
