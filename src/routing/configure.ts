// From plain settings to the providers that routing chooses among: adapter, accounts with their groups, default models.

import { AccountGroups } from '../admission/account-groups.ts'
import { toGroupPlan } from '../admission/group-plan.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import { defaultModel, modelPrefixes, offeredModels } from '../providers/catalogue.ts'
import { createProvider, type ProviderKind } from '../providers/registry.ts'
import type { ConfiguredProvider } from './route.ts'

/** One account as settings give it; keys in the clear, so this object is never logged. */
export interface AccountSpec {
  readonly name: string
  readonly apiKeys: readonly string[]
  readonly concurrency: { readonly default: number; readonly byModel: Readonly<Record<string, number>> }
}

/** One provider as settings give it. */
export interface ProviderSpec {
  readonly name: string
  readonly kind: ProviderKind
  readonly baseUrl: string
  readonly accounts: readonly AccountSpec[]
  /** Models offered before the catalogue's. */
  readonly models: readonly string[]
  /** What to set when it has no account. */
  readonly missing: string | null
}

// GLM counts requests in flight per model, Kimi and most others over the account (providers.md 1.11, 2.10).
const countsPer = { glm: 'model', kimi: 'account', 'openai-compatible': 'account', local: 'account' } as const

// Always there. Its work has a queue of its own; the slots only keep one window from filling it.
const local: ProviderSpec = {
  name: 'local',
  kind: 'local',
  baseUrl: '',
  accounts: [{ name: 'local', apiKeys: [], concurrency: { default: 8, byModel: {} } }],
  models: [],
  missing: null,
}

// A round trip to a vendor far away.
const cutHoldMs = 100

/** Bounds of every queue before a vendor; milliseconds. */
export interface QueueBounds {
  readonly jobsPerClientMax: number
  readonly waitMsMax: number
}

/** Builds the providers in order, `local` last. */
export function configureProviders(
  specs: readonly ProviderSpec[],
  bounds: QueueBounds,
  clock: Clock,
  random: Random,
): readonly ConfiguredProvider[] {
  return [...specs, local].map((spec) => configure(spec, bounds, clock, random))
}

function configure(
  spec: ProviderSpec,
  bounds: QueueBounds,
  clock: Clock,
  random: Random,
): ConfiguredProvider {
  const { name, kind, baseUrl } = spec
  const models =
    spec.models.length === 0
      ? undefined
      : [...spec.models, ...offeredModels(kind, undefined).filter(({ id }) => !spec.models.includes(id))]
  const provider = createProvider({ name, kind, baseUrl, clock, ...(models === undefined ? {} : { models }) })
  return {
    provider,
    accounts: spec.accounts.map((account) => ({
      name: account.name,
      apiKeys: account.apiKeys,
      groups: new AccountGroups(
        `${name}/${account.name}`,
        toGroupPlan({
          per: countsPer[kind],
          concurrency: account.concurrency,
          // A window may fill an eighth of its principal's line, and that a quarter of the whole.
          queue: {
            clientJobsMax: bounds.jobsPerClientMax,
            principalJobsMax: bounds.jobsPerClientMax * 8,
            jobsMax: bounds.jobsPerClientMax * 32,
          },
          waitMsMax: bounds.waitMsMax,
          cutHoldMs: kind === 'local' ? 0 : cutHoldMs,
        }),
        clock,
        random,
      ),
    })),
    defaultModel: (task) => defaultModel(kind, task, provider.models),
    missing: spec.missing,
    endpoint: baseUrl,
    modelPrefixes: modelPrefixes[kind] ?? [],
  }
}
