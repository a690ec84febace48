// `exai://models`: what can be asked here by name, for programs: the same facts that `listmodels` tells in sentences.

import { defineResource, type Resource, type ResourceContext } from './resource.ts'

const uri = 'exai://models'

/** What is the same as long as nobody need read them again: how long somebody still rests changes with every look. */
export function modelsRevision({
  providers,
  models,
}: Pick<ResourceContext['facts'], 'providers' | 'models'>): {
  readonly uri: string
  readonly revision: () => string
} {
  const revision = (): string => {
    const { names, resting } = models()
    return JSON.stringify([providers(), names, resting.map(({ provider, model }) => [provider, model])])
  }
  return { uri, revision }
}

/** Providers, models, names of the config, and who rests now. */
export const modelsResource: Resource = defineResource({
  uri,
  name: 'models',
  title: 'Models',
  description:
    'The AI models and names that the tools can use, and which of them rest now (JSON). Subscribe to hear of changes.',
  mimeType: 'application/json',
  ttlMs: 10_000,
  has: () => true,
  async read({ facts }) {
    const providers = facts.providers().map(({ name, isReady, missing, models }) => ({
      name,
      ready: isReady,
      ...(missing === null ? {} : { missing }),
      models,
    }))
    const { names, resting } = facts.models()
    const text = JSON.stringify({ providers, names, resting }, null, 2)
    return [{ uri, mimeType: 'application/json', text }]
  },
})
