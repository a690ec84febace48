// What a provider cannot begin with: a job it does not do, a key that is not there, images for a model that is blind.

import { CallFailure } from '../domain/failure.ts'
import type { GenerateJob, JobKind, ModelInfo } from './provider.ts'

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

/** Throws `bad-request` when the messages hold an image and the model is known not to see. */
export function requireSight(job: GenerateJob, model: ModelInfo | null, offered: readonly ModelInfo[]): void {
  if (model === null || model.vision || model.contextTokens === null) return
  const hasImage = job.messages.some(
    ({ content }) => typeof content !== 'string' && content.some((part) => part.type === 'image'),
  )
  if (!hasImage) return
  const seeing = offered.filter(({ vision }) => vision).map(({ id }) => id)
  throw new CallFailure('bad-request', {
    message: `The model ${model.id} cannot see images. ${seeing.length > 0 ? `Use ${seeing.join(' or ')}` : 'Use another provider'}.`,
  })
}
