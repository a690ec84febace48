// From a wish to the chain of candidates: every account that offers a model is a member of that model's step, and steps stand in
// order of preference. A model asked for by its own name gets no other; fallback is for tasks, aliases and chains.

import { CallFailure } from '../domain/failure.ts'
import { chainOfTask, expandModelName, type ModelNames } from './model-names.ts'
import type { Account, Candidate, ConfiguredProvider, RouteWish } from './route.ts'
import type { Target } from './target.ts'

/** A candidate that the retry loop can work with. */
export type RoutedCandidate = Candidate & Target

/** The steps of a wish, or the sentence that says what to set. Throws `model-unknown` for a model nobody has. */
export function candidateSteps(
  providers: readonly ConfiguredProvider[],
  wish: RouteWish,
  names: ModelNames,
): readonly (readonly RoutedCandidate[])[] | { readonly missing: string } {
  const wanted = wantedModels(wish, names)
  const links = wanted === null ? defaults(providers, wish) : owners(providers, wish, wanted)
  const steps = links
    .map(({ configured, model }) =>
      configured.accounts.map((account) => toCandidate(configured, account, model, wish)),
    )
    .filter((step) => step.length > 0)
  if (steps.length > 0) return steps
  const missing = links.map(({ configured }) => configured.missing).filter((each) => each !== null)
  return {
    missing:
      missing.length > 0
        ? `No provider is set up for this. ${[...new Set(missing)].join(' Or: ')}`
        : `No configured provider can do this (${wish.kind}). Set up a provider that can, and restart the server.`,
  }
}

interface Link {
  readonly configured: ConfiguredProvider
  readonly model: string | null
}

function wantedModels(wish: RouteWish, names: ModelNames): readonly string[] | null {
  if (wish.model !== undefined) return expandModelName(wish.model, names)
  return wish.task === undefined ? null : chainOfTask(wish.task, names)
}

function defaults(providers: readonly ConfiguredProvider[], wish: RouteWish): readonly Link[] {
  const order =
    wish.prefer === undefined
      ? providers.filter(({ provider }) => provider.name !== 'local')
      : new Set(wish.prefer.flatMap((name) => calledOrOf(providers, name)))
  return [...order].flatMap((configured): readonly Link[] => {
    if (!configured.provider.capabilities.jobs.has(wish.kind)) return []
    if (wish.kind !== 'generate') return [{ configured, model: null }]
    const model = configured.defaultModel(wish.task ?? 'chat')
    return model === null ? [] : [{ configured, model }]
  })
}

// A vendor may stand in the config under any name, and several times: the one called so first, then the others of that kind.
function calledOrOf(providers: readonly ConfiguredProvider[], name: string): readonly ConfiguredProvider[] {
  const isCalled = ({ provider }: ConfiguredProvider): boolean => provider.name === name
  return [...providers.filter(isCalled), ...providers.filter((each) => each.kind === name && !isCalled(each))]
}

function owners(
  providers: readonly ConfiguredProvider[],
  wish: RouteWish,
  models: readonly string[],
): readonly Link[] {
  const links = models.flatMap((name): readonly Link[] => {
    const link = ownerOf(providers, name)
    return link?.configured.provider.capabilities.jobs.has(wish.kind) ? [link] : []
  })
  if (links.length > 0) return links
  const known = providers.flatMap(({ provider }) => provider.models.map(({ id }) => id)).slice(0, 30)
  const asked = (wish.model ?? models[0] ?? '').slice(0, 80)
  throw new CallFailure('model-unknown', {
    message: `No provider here has a model called "${asked}". Known models: ${known.join(', ') || 'none'}. Leave the model out to get the default.`,
  })
}

// `provider/model` names both; else the catalogues know it; else its prefix tells.
function ownerOf(providers: readonly ConfiguredProvider[], name: string): Link | null {
  const slash = name.indexOf('/')
  const named = providers.find(({ provider }) => slash > 0 && provider.name === name.slice(0, slash))
  if (named) return { configured: named, model: name.slice(slash + 1) }
  const configured =
    readiest(providers.filter(({ provider }) => provider.models.some(({ id }) => id === name))) ??
    readiest(providers.filter(({ modelPrefixes }) => modelPrefixes.some((prefix) => name.startsWith(prefix))))
  return configured ? { configured, model: name } : null
}

// One vendor under two names, of which one has no key: a model's name means the one that can serve it.
function readiest(able: readonly ConfiguredProvider[]): ConfiguredProvider | undefined {
  return able.find(({ accounts }) => accounts.length > 0) ?? able[0]
}

function toCandidate(
  configured: ConfiguredProvider,
  account: Account,
  model: string | null,
  wish: RouteWish,
): RoutedCandidate {
  const { provider } = configured
  return {
    configured,
    account,
    provider: provider.name,
    accountName: `${provider.name}/${account.name}`,
    model,
    kind: wish.kind,
    keyCount: account.apiKeys.length,
    contextTokens: provider.models.find(({ id }) => id === model)?.contextTokens ?? null,
    group: account.groups.nameFor(model ?? wish.kind),
    endpoint: configured.endpoint ?? provider.name,
    weight: account.weight ?? 1,
  }
}
