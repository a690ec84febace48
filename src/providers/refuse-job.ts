// The two things a provider cannot begin with: a job it does not do, and a key that is not there.

import { CallFailure } from '../domain/failure.ts'
import type { JobKind } from './provider.ts'

/** A job kind that is not among the provider's capabilities; routing should not have come here. */
export function unsupportedJob(provider: string, kind: JobKind): CallFailure {
  return new CallFailure('bad-request', {
    message: `The provider ${provider} cannot do a ${kind} job. Use another provider.`,
  })
}

/** Throws `not-configured` when no key came with the attempt. `variable` is the environment variable people set. */
export function requireKey(
  provider: string,
  variable: string,
  apiKey: string | null,
): asserts apiKey is string {
  if (apiKey === null || apiKey === '')
    throw new CallFailure('not-configured', {
      message: `The provider ${provider} has no API key. Set ${variable}, or providers.${provider}.apiKey in the config.`,
    })
}
