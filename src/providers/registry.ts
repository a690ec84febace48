// The kinds of provider there are, one line each. The contract suite walks this list.

import { createGlmProvider } from './glm.ts'
import { createKimiProvider } from './kimi.ts'
import { createLocalProvider } from './local.ts'
import { createOpenAiCompatibleProvider } from './openai-compatible.ts'
import type { Provider } from './provider.ts'
import type { ProviderSettings } from './provider-settings.ts'

/** What `kind` may be. */
export type ProviderKind = 'glm' | 'kimi' | 'openai-compatible' | 'local'

const factories: Readonly<Record<ProviderKind, (settings: ProviderSettings) => Provider>> = {
  glm: createGlmProvider,
  kimi: createKimiProvider,
  'openai-compatible': createOpenAiCompatibleProvider,
  local: createLocalProvider,
}

/** Every kind, for the contract suite. */
export const providerKinds: readonly ProviderKind[] = Object.keys(factories) as ProviderKind[]

/** Builds a provider of `settings.kind`. Throws only for a base URL that is none. */
export function createProvider(settings: ProviderSettings & { readonly kind: ProviderKind }): Provider {
  return factories[settings.kind](settings)
}
