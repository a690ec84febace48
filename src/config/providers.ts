// From a provider's section to what the server is built from: kind, address, accounts, keys with their origins, and the
// sentence that says what to set where a key is missing. `glm` and `kimi` are always there, so that a key in the
// environment is all it takes.

import { Secret } from '../lib/secret.ts'
import { type ModelTimeouts, type PaceMs, timeoutDefaults } from '../providers/model-timeouts.ts'
import type {
  AccountConfig,
  ApiKey,
  ConcurrencyConfig,
  ConfigurableKind,
  Origin,
  ProviderConfig,
  RatesConfig,
} from './config.ts'
import { kimiLimits, noRates } from './kimi-tiers.ts'
import { checkConcurrency } from './name-checks.ts'
import type { ProviderSection, RatesSection } from './schema.ts'

/** What is known of where values stand; faults are reported, not thrown, so that all are told at once. */
export interface ProviderSources {
  originOf(path: string): Origin | null
  /** Variables that keys under a path asked for and that are not set. */
  unsetKeysUnder(path: string): readonly string[]
  fault(path: string, sentence: string): void
  warn(path: string, sentence: string): void
}

const defaults: Readonly<Record<string, { baseUrl: string; variable: string } | undefined>> = {
  glm: { baseUrl: 'https://api.z.ai/api/paas/v4', variable: 'ZAI_API_KEY' },
  kimi: { baseUrl: 'https://api.moonshot.ai/v1', variable: 'MOONSHOT_API_KEY' },
}
const openAiCompatibleConcurrency = 4

// Keys that only one kind of provider understands.
const ownWords = [
  ['tier', 'kimi', 'Kimi has tiers'],
  ['searchEngine', 'glm', 'GLM has search engines'],
  ['searchModel', 'kimi', 'Kimi searches by a model'],
] as const

/** One provider, or null where its section has faults. */
export function buildProvider(
  name: string,
  section: ProviderSection,
  sources: ProviderSources,
): ProviderConfig | null {
  const path = `providers.${name}`
  const kind = kindOf(name, section, sources)
  if (kind === null) return null
  const baseUrl = addressOf(section.baseUrl ?? defaults[kind]?.baseUrl, `${path}.baseUrl`, sources)
  if (baseUrl === null) return null
  for (const [key, owner, what] of ownWords) {
    if (section[key] === undefined || kind === owner) continue
    sources.fault(`${path}.${key}`, `only ${what}, and this is of kind ${kind}.`)
  }
  if (section.apiKey !== undefined && section.accounts !== undefined) {
    sources.fault(
      `${path}.apiKey`,
      'is short for one account, so it cannot stand beside "accounts". Remove one.',
    )
  }
  checkConcurrency(kind, section, path, sources)
  const tier = section.tier ?? null
  const fallback = defaultLimits(kind, tier, baseUrl)
  const given = accountsOf(section, path, sources, fallback).map((account, index): GivenAccount => {
    const unset = namesUnder(`${path}.accounts.${index}`, sources)
    const meant = section.accounts === undefined ? namesUnder(path, sources) : unset
    // Whoever names no key means none; whose variable is not set means one.
    const isKeyless = kind === 'openai-compatible' && meant.length === 0
    return { account, unset, isUsable: account.apiKeys.length > 0 || isKeyless }
  })
  const missing = given.some(({ isUsable }) => isUsable) ? null : missingOf(name, kind, sources)
  const accounts = usable(given, path, missing, sources)
  const { models, searchEngine = null, searchModel = null } = section
  const timeouts = timeoutsOf(section)
  return { name, kind, baseUrl, accounts, tier, models, searchEngine, searchModel, timeouts, missing }
}

interface GivenAccount {
  readonly account: AccountConfig
  /** Variables that its keys ask for and that are not set. */
  readonly unset: readonly string[]
  readonly isUsable: boolean
}

// An account whose variable is not set must not be chosen for a job; the others go on.
function usable(
  given: readonly GivenAccount[],
  path: string,
  missing: string | null,
  sources: ProviderSources,
): readonly AccountConfig[] {
  // Where one variable is all that is missing, `missing` has said it.
  const isTold = missing !== null && namesUnder(path, sources).length < 2
  return given.flatMap(({ account, unset, isUsable }, index) => {
    if (isUsable) {
      for (const name of unset) {
        const sentence = `a key of account "${account.name}" is left out, because ${name} is not set.`
        sources.warn(`${path}.accounts.${index}`, sentence)
      }
      return [account]
    }
    if (!isTold) {
      const are = unset.length === 1 ? 'is' : 'are'
      const why = unset.length === 0 ? 'it has no apiKeys' : `${unset.join(' and ')} ${are} not set`
      sources.warn(`${path}.accounts.${index}`, `account "${account.name}" is left out, because ${why}.`)
    }
    return []
  })
}

// Several accounts may ask for one variable.
function namesUnder(path: string, sources: ProviderSources): readonly string[] {
  return [...new Set(sources.unsetKeysUnder(path))]
}

function kindOf(name: string, section: ProviderSection, sources: ProviderSources): ConfigurableKind | null {
  const own: ConfigurableKind | null = name === 'glm' || name === 'kimi' ? name : null
  if (name === 'local') {
    sources.fault(
      'providers.local',
      'the local provider is built in and has no settings. Remove this section.',
    )
    return null
  }
  const kind = section.kind ?? own
  if (kind === null) {
    sources.fault(
      `providers.${name}`,
      'expected a "kind": only glm and kimi are known by name. Add kind: openai-compatible (or glm, kimi).',
    )
  }
  return kind
}

function addressOf(text: string | undefined, path: string, sources: ProviderSources): string | null {
  if (text === undefined) {
    sources.fault(path, 'expected the address of the API, such as http://127.0.0.1:11434/v1.')
    return null
  }
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    sources.fault(path, 'expected an http or https address, such as https://api.example.com/v1.')
    return null
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    sources.fault(
      path,
      'expected an address without user, password, query or fragment. Keys belong into apiKey.',
    )
    return null
  }
  return url.href.replace(/\/+$/, '')
}

function accountsOf(
  section: ProviderSection,
  path: string,
  sources: ProviderSources,
  fallback: Limits,
): readonly AccountConfig[] {
  const shared = section.concurrency ?? {}
  const key = (value: string, at: string): ApiKey => ({
    secret: new Secret(value),
    origin: sources.originOf(at) ?? { kind: 'file', path: at },
  })
  if (section.accounts === undefined) {
    const apiKeys = section.apiKey === undefined ? [] : [key(section.apiKey, `${path}.apiKey`)]
    return [{ name: 'main', apiKeys, weight: 1, ...limitsOf(fallback, shared, section.rates) }]
  }
  const names = new Set<string>()
  return section.accounts.map((account, index) => {
    const at = `${path}.accounts.${index}`
    if (names.has(account.name)) {
      sources.fault(`${at}.name`, `there are two accounts called "${account.name}". Give each its own name.`)
    }
    names.add(account.name)
    return {
      name: account.name,
      apiKeys: account.apiKeys.map((value, keyIndex) => key(value, `${at}.apiKeys.${keyIndex}`)),
      weight: account.weight,
      ...limitsOf(fallback, { ...shared, ...account.concurrency }, section.rates, account.rates),
    }
  })
}

interface Limits {
  readonly concurrency: number | null
  readonly rates: RatesConfig
}

function limitsOf(
  fallback: Limits,
  given: Readonly<Record<string, number>>,
  ...rates: readonly (RatesSection | undefined)[]
): { readonly concurrency: ConcurrencyConfig; readonly rates: RatesConfig } {
  const { default: general, ...byModel } = given
  return {
    concurrency: { default: general ?? fallback.concurrency, byModel },
    rates: rates.reduce<RatesConfig>(
      (known, said) => ({
        requestsPerMinute: said?.requestsPerMinute ?? known.requestsPerMinute,
        tokensPerMinute: said?.tokensPerMinute ?? known.tokensPerMinute,
        tokensPerDay: said?.tokensPerDay ?? known.tokensPerDay,
      }),
      fallback.rates,
    ),
  }
}

function timeoutsOf({ firstTokenMs, silenceMs }: ProviderSection): ModelTimeouts {
  const filled = (given: ProviderSection['silenceMs'], { plain, thinking }: PaceMs): PaceMs => ({
    plain: given?.plain ?? plain,
    thinking: given?.thinking ?? thinking,
  })
  return {
    firstTokenMs: filled(firstTokenMs, timeoutDefaults.firstTokenMs),
    silenceMs: filled(silenceMs, timeoutDefaults.silenceMs),
  }
}

// GLM shows its limit in the console only, and refuses what is over it: that is learned. Others may queue without a word.
function defaultLimits(kind: ConfigurableKind, tier: number | null, baseUrl: string): Limits {
  if (kind === 'kimi') return kimiLimits(tier, baseUrl)
  return { concurrency: kind === 'glm' ? null : openAiCompatibleConcurrency, rates: noRates }
}

// What to set where no account can be used.
function missingOf(name: string, kind: ConfigurableKind, sources: ProviderSources): string {
  const unset = namesUnder(`providers.${name}`, sources)
  const own = name === kind ? defaults[kind]?.variable : undefined
  const variables = unset.length > 0 || own === undefined ? unset : [own]
  return variables.length === 0
    ? `Set providers.${name}.apiKey in exai.yaml.`
    : `Set ${variables.join(' or ')} in the environment of the server.`
}
