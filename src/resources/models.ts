// `exai://models`: what can be asked here by name, for programs: the same facts that `listmodels` tells in sentences.

import { defineResource, type Resource } from './resource.ts'

/** Providers, models, names of the config, and who rests now. */
export const modelsResource: Resource = defineResource({
  uri: 'exai://models',
  name: 'models',
  title: 'Models',
  description: 'The AI models and names that the tools can use, and which of them rest now (JSON).',
  mimeType: 'application/json',
  ttlMs: 10_000,
  async read({ facts }, { uri }) {
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
