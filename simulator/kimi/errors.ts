// Kimi's errors: an envelope decided by error.type, five meanings under 429, each with its own words. Messages carry
// organisation and key ids, as the real ones do: a client must redact them.

import type { LimitRefusal } from '../limits.ts'
import type { VendorSettings } from '../settings.ts'
import { VendorRefusal, type WireError } from '../wire.ts'

/** An error of Kimi: HTTP status, type, words. `label` is what the statistics count, where the type alone is too broad. */
export interface KimiErrorSpec {
  readonly status: number
  readonly type: string
  readonly message: string
  readonly label?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The prefix of Kimi's limit messages. */
export function kimiAccount(account: string): string {
  return `Your account org-${account}<ak-${account}>`
}

/** The error on the wire. */
export function kimiError(settings: VendorSettings, spec: KimiErrorSpec): WireError {
  const code = settings.switches['error-code'] === 'present' ? { code: spec.type } : {}
  return {
    status: spec.status,
    code: spec.label ?? spec.type,
    body: JSON.stringify({ error: { message: spec.message, type: spec.type, ...code } }),
    contentType: 'application/json; charset=utf-8',
    headers: spec.headers ?? {},
  }
}

/** Throws Kimi's 400 for a bad request. */
export function refuseKimi(settings: VendorSettings, message: string): never {
  throw new VendorRefusal(kimiError(settings, { status: 400, type: 'invalid_request_error', message }))
}

/** The specification of the 404 for a model that is unknown, dead or of another tier. */
export function kimiUnknownModel(model: string): KimiErrorSpec {
  return {
    status: 404,
    type: 'resource_not_found_error',
    message: `Not found the model ${model} or Permission denied`,
  }
}

/** The words for each limit of the organisation. */
export function kimiLimit(account: string, refusal: LimitRefusal): KimiErrorSpec {
  const { limit, max, current } = refusal
  const seconds = limit === 'concurrency' ? 1 : Math.max(1, Math.floor(refusal.retryAfterMs / 1000))
  const start = `${kimiAccount(account)} request reached organization`
  const message =
    limit === 'tpm' || limit === 'tpd'
      ? `${start} ${limit.toUpperCase()} rate limit, current:${current}, limit:${max}`
      : limit === 'rpm'
        ? `${start} max RPM: ${max}, please try again after ${seconds} seconds`
        : `${start} max concurrency: ${max}, please try again after ${seconds} seconds`
  return {
    status: 429,
    type: 'rate_limit_reached_error',
    message,
    label: `rate_limit_reached_error:${limit}`,
  }
}
