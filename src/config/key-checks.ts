// One key under two accounts: the vendor counts it once, we would count it twice, with twice the slots and rates and two counts of one
// day. Compared is what variables hold, not what they are called; no key is ever part of what is told.

import type { ProviderConfig } from './config.ts'
import type { ProviderSources } from './providers.ts'
import type { ProviderSection } from './schema.ts'

interface KeyPlace {
  readonly key: string
  /** Of the key in the config. */
  readonly path: string
  readonly account: string
  readonly provider: ProviderConfig
}

/** Tells keys that stand twice at one address; under another address, also another of the same vendor, a key is another account's. */
export function checkKeys(
  sections: Readonly<Record<string, ProviderSection>>,
  providers: readonly ProviderConfig[],
  sources: ProviderSources,
): void {
  const known = new Map<string, KeyPlace>()
  for (const provider of providers) {
    for (const place of placesOf(provider, sections[provider.name])) {
      // Neither of them holds a space.
      const name = `${provider.baseUrl} ${place.key}`
      const first = known.get(name)
      if (first === undefined) known.set(name, place)
      else tell(first, place, sources)
    }
  }
}

function tell(first: KeyPlace, again: KeyPlace, sources: ProviderSources): void {
  const { provider, account, path } = again
  const variableOf = (place: KeyPlace): string => {
    const origin = sources.originOf(place.path)
    return origin?.kind === 'env' ? ` (${origin.name})` : ''
  }
  const whose = `account "${account}"${variableOf(again)}`
  const same = `${whose} has the same key as account "${first.account}"${variableOf(first)}`
  const twice = 'so what the vendor counts once would count twice here, slots, rates and days'
  if (first.provider === provider) {
    if (first.account === account) {
      sources.warn(path, `${whose} has this key already, and it is no second way to the vendor. Remove it.`)
    } else {
      sources.fault(path, `${same}, ${twice}. Give it a key of its own, or remove one of the two.`)
    }
    return
  }
  const there = `${same} of ${first.provider.name} at the same address`
  if (first.provider.kind !== provider.kind || provider.kind === 'openai-compatible') {
    // Such a server may count by model, or not at all: two sections are then the one way to give each model its own limits.
    const sentence = `${there}. Where that server counts by key, together they ask for twice of what it allows.`
    sources.warn(path, sentence)
    return
  }
  const cure = `Give it a key of its own, or close one of the two, such as with "${provider.name}: false"`
  sources.fault(path, `${there}, ${twice}. ${cure}.`)
}

function placesOf(provider: ProviderConfig, section: ProviderSection | undefined): readonly KeyPlace[] {
  const path = `providers.${provider.name}`
  const short = section?.apiKey
  if (short !== undefined) return [{ key: short, path: `${path}.apiKey`, account: 'main', provider }]
  return (section?.accounts ?? []).flatMap(({ name, apiKeys }, index) =>
    apiKeys.map((key, keyIndex) => ({
      key,
      path: `${path}.accounts.${index}.apiKeys.${keyIndex}`,
      account: name,
      provider,
    })),
  )
}
