// What undici and the system throw, as failures. Errors without a code are bugs of ours and pass through unchanged.

import { CallFailure } from '../domain/failure.ts'

/** `error` as a `CallFailure` when it comes from the network; else itself. */
export function toNetworkFailure(provider: string, error: unknown): unknown {
  if (error instanceof CallFailure) return error
  const code = codeOf(error)
  if (code === null) return error
  if (code === 'UND_ERR_INVALID_ARG')
    return new CallFailure('bad-request', {
      message: `The request to the provider ${provider} could not be formed: ${error instanceof Error ? error.message : code}. Check its API key and base URL for stray characters.`,
      isVendors: true,
      cause: error,
    })
  return new CallFailure('unreachable', {
    message: `The provider ${provider} could not be reached (${code}). Check the network and its base URL, then try again.`,
    retryable: true,
    detail: code,
    cause: error,
  })
}

/** The code of a system, TLS or undici error, also of the first of several tried addresses; null for anything else. */
function codeOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  return null
}
