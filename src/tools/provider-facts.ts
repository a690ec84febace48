// The providers as tools and the first screen show them. Knows no keys.

import type { ConfiguredProvider } from '../routing/route.ts'
import type { ProviderFact } from './tool.ts'

/** What is set up, and what to set where it is not. */
export function providerFacts(providers: readonly ConfiguredProvider[]): readonly ProviderFact[] {
  return providers.map(({ provider, accounts, missing }) => ({
    name: provider.name,
    isReady: accounts.length > 0,
    missing: accounts.length > 0 ? null : missing,
    models: provider.models.map(({ id }) => id),
  }))
}
