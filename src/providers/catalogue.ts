// What is known of models before a vendor is asked: the lists, the defaults per task, and what to say of a dead name. It is
// data with a date; a live name that is not listed is sent to the vendor all the same.

import { CallFailure } from '../domain/failure.ts'
import type { DeadModel } from './dead-model.ts'
import { glmDeadModels, glmModels } from './glm-models.ts'
import { kimiDeadModels, kimiModels } from './kimi-models.ts'
import type { GenerateJob, ModelInfo } from './provider.ts'

interface Catalogue {
  readonly models: readonly ModelInfo[]
  readonly dead: readonly DeadModel[]
  readonly defaults: Readonly<Record<GenerateJob['task'], string>>
}

const catalogues: Readonly<Record<string, Catalogue>> = {
  glm: {
    models: glmModels,
    dead: glmDeadModels,
    defaults: { chat: 'glm-5.2', review: 'glm-5.2', answer: 'glm-4.7', summarize: 'glm-4.7' },
  },
  kimi: {
    models: kimiModels,
    dead: kimiDeadModels,
    defaults: { chat: 'kimi-k3', review: 'kimi-k3', answer: 'kimi-k3', summarize: 'kimi-k3' },
  },
}

/** Names that begin so belong to a provider of that kind, even if the lists do not hold them. */
export const modelPrefixes: Readonly<Record<string, readonly string[]>> = {
  glm: ['glm-', 'autoglm-'],
  kimi: ['kimi-', 'moonshot-'],
}

/** The date of the lists above, for people. */
export const catalogueAsOf: string = '2026-11-22'

/** The model a task gets at a provider of this kind when nobody named one: its default if it is offered, else the first offered. */
export function defaultModel(
  kind: string,
  task: GenerateJob['task'],
  offered: readonly ModelInfo[],
): string | null {
  const wanted = catalogues[kind]?.defaults[task]
  return offered.some((model) => model.id === wanted) ? (wanted ?? null) : (offered[0]?.id ?? null)
}

/** Models a provider offers: those named in the config, with what is known of each, and the whole list of its kind. */
export function offeredModels(
  kind: string,
  named: readonly (string | ModelInfo)[] = [],
): readonly ModelInfo[] {
  const known = catalogues[kind]?.models ?? []
  const own = named.map((entry) =>
    typeof entry === 'string' ? (known.find((model) => model.id === entry) ?? unknownModel(entry)) : entry,
  )
  return [...own, ...known.filter(({ id }) => own.every((model) => model.id !== id))]
}

/**
 * What is known of `id`, or null for a name the lists do not hold. Throws `model-unknown` for a name that is known to be dead
 * and is not offered by config: asking the vendor would cost a slot to learn it.
 */
export function requireLiveModel(
  provider: { readonly name: string; readonly kind: string },
  offered: readonly ModelInfo[],
  id: string,
): ModelInfo | null {
  const found = offered.find((model) => model.id === id)
  if (found) return found
  const dead = catalogues[provider.kind]?.dead.find(({ pattern }) => pattern.test(id))
  if (!dead) return null
  const since = dead.since === undefined ? '' : ` since ${dead.since}`
  throw new CallFailure('model-unknown', {
    message: `The model ${id} no longer exists at the provider ${provider.name}${since}. Use ${dead.successor}, or call listmodels.`,
  })
}

/** A model of which nothing is known but its name. */
export function unknownModel(id: string): ModelInfo {
  return {
    id,
    contextTokens: null,
    outputTokensMax: null,
    thinking: 'none',
    efforts: [],
    vision: false,
    price: null,
  }
}
