// From wishes to a candidate: which provider, account and model shall do a job. Pure choice; nothing is acquired here.

import type { AccountGroups } from '../admission/account-groups.ts'
import { CallFailure } from '../domain/failure.ts'
import type { GenerateJob, JobKind, Provider } from '../providers/provider.ts'

/** One account at a provider: its keys are only credentials, its groups are what is scarce. */
export interface Account {
  readonly name: string
  /** Never empty unless the provider needs no key. */
  readonly apiKeys: readonly string[]
  readonly groups: AccountGroups
}

/** A provider as configured. Ready when it has an account, or needs none. */
export interface ConfiguredProvider {
  readonly provider: Provider
  readonly accounts: readonly Account[]
  /** The model a task gets when nobody asked for one; null for providers that serve no such task. */
  defaultModel(task: GenerateJob['task']): string | null
  /** What to set when it is not ready. */
  readonly missing: string | null
  /** Whether model names beginning so belong here even if the catalogue does not know them. */
  readonly modelPrefixes: readonly string[]
}

/** A (provider, account, model) that may do a job. */
export interface Candidate {
  readonly configured: ConfiguredProvider
  readonly account: Account
  readonly model: string | null
}

/** What a caller wants. */
export interface RouteWish {
  readonly kind: JobKind
  readonly task?: GenerateJob['task']
  /** `glm-5.2`, or `glm/glm-5.2` to name the provider as well. */
  readonly model?: string | undefined
  /** Provider names in order of preference; others are not considered. Absent: all but `local`, in config order. */
  readonly prefer?: readonly string[] | undefined
}

/** The best candidate, or the sentence that says what to set. Throws `model-unknown` for a model nobody has. */
export function route(
  providers: readonly ConfiguredProvider[],
  wish: RouteWish,
): Candidate | { readonly missing: string } {
  if (wish.model !== undefined) return routeModel(providers, wish, wish.model)
  const names =
    wish.prefer ?? providers.map(({ provider }) => provider.name).filter((name) => name !== 'local')
  const able = names
    .map((name) => providers.find(({ provider }) => provider.name === name))
    .filter((configured) => configured?.provider.capabilities.jobs.has(wish.kind))
  const missing: string[] = []
  for (const configured of able) {
    if (!configured) continue
    const account = leastLoaded(configured.accounts)
    const model = wish.kind === 'generate' ? configured.defaultModel(wish.task ?? 'chat') : null
    if (account && (wish.kind !== 'generate' || model !== null)) return { configured, account, model }
    if (configured.missing) missing.push(configured.missing)
  }
  return {
    missing:
      missing.length > 0 ? `No provider is set up for this. ${missing.join(' Or: ')}` : noneAble(wish.kind),
  }
}

function routeModel(
  providers: readonly ConfiguredProvider[],
  wish: RouteWish,
  name: string,
): Candidate | { readonly missing: string } {
  const slash = name.indexOf('/')
  const named =
    slash > 0 ? providers.find(({ provider }) => provider.name === name.slice(0, slash)) : undefined
  const model = named ? name.slice(slash + 1) : name
  const owner =
    named ??
    providers.find(({ provider }) => provider.models.some(({ id }) => id === model)) ??
    providers.find(({ modelPrefixes }) => modelPrefixes.some((prefix) => model.startsWith(prefix)))
  if (!owner?.provider.capabilities.jobs.has(wish.kind)) {
    const known = providers.flatMap(({ provider }) => provider.models.map(({ id }) => id)).slice(0, 30)
    throw new CallFailure('model-unknown', {
      message: `No provider here has a model called "${name.slice(0, 80)}". Known models: ${known.join(', ') || 'none'}. Leave the model out to get the default.`,
    })
  }
  const account = leastLoaded(owner.accounts)
  if (!account) return { missing: owner.missing ?? noneAble(wish.kind) }
  return { configured: owner, account, model }
}

function leastLoaded(accounts: readonly Account[]): Account | undefined {
  return accounts.reduce<Account | undefined>(
    (best, account) => (best === undefined || account.groups.load < best.groups.load ? account : best),
    undefined,
  )
}

function noneAble(kind: JobKind): string {
  return `No configured provider can do this (${kind}). Set ZAI_API_KEY or MOONSHOT_API_KEY and restart the server.`
}
