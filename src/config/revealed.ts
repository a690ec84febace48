// The providers' settings with their keys in the clear, for the one room that sends them. Never logged, never kept.

import type { AccountConfig, ProviderConfig } from './config.ts'

/** A provider of the config whose keys can be read. */
export interface RevealedProvider extends Omit<ProviderConfig, 'accounts'> {
  readonly accounts: readonly (Omit<AccountConfig, 'apiKeys'> & { readonly apiKeys: readonly string[] })[]
}

/** The same settings, keys revealed. */
export function revealed(providers: readonly ProviderConfig[]): readonly RevealedProvider[] {
  return providers.map((provider) => ({
    ...provider,
    accounts: provider.accounts.map((account) => ({
      ...account,
      apiKeys: account.apiKeys.map(({ secret }) => secret.reveal()),
    })),
  }))
}
