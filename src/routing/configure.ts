// From plain settings to the providers that routing chooses among: adapter, accounts with their groups, default models.

import { AccountGroups } from '../admission/account-groups.ts'
import type { AccountRateLimits } from '../admission/account-rates.ts'
import type { QueueOrder } from '../admission/fair-queue.ts'
import { toGroupPlan } from '../admission/group-plan.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import { defaultModel, modelPrefixes, offeredModels } from '../providers/catalogue.ts'
import { type ModelTimeouts, timeoutDefaults } from '../providers/model-timeouts.ts'
import { createProvider, type ProviderKind } from '../providers/registry.ts'
import { setOrderOfAll } from './every-provider.ts'
import type { ConfiguredProvider } from './route.ts'

/** One account as settings give it; keys in the clear, so this object is never logged. */
export interface AccountSpec {
  readonly name: string
  readonly apiKeys: readonly string[]
  /** Its share among the provider's accounts; 0: only while no other can. */
  readonly weight: number
  /** Requests at once; null: to be learned. */
  readonly concurrency: {
    readonly default: number | null
    readonly byModel: Readonly<Record<string, number>>
  }
  /** What the vendor counts over time; null: it does not, or nobody knows. */
  readonly rates: Omit<AccountRateLimits, 'refundsTokens'>
}

/** One provider as settings give it. */
export interface ProviderSpec {
  readonly name: string
  readonly kind: ProviderKind
  readonly baseUrl: string
  readonly accounts: readonly AccountSpec[]
  /** Models offered before the catalogue's. */
  readonly models: readonly string[]
  /** GLM's search engine; absent or null: whichever the host accepts. */
  readonly searchEngine?: string | null
  /** Kimi's searching model; absent or null: whichever has the builtin. */
  readonly searchModel?: string | null
  /** How long it may say nothing; absent: the usual. */
  readonly timeouts?: ModelTimeouts
  /** What to set when it has no account. */
  readonly missing: string | null
}

interface VendorHabits {
  /** Whether requests are counted per model or over the account. */
  readonly per: 'model' | 'account'
  /** What is scarce there, and so what shares are counted in. */
  readonly costs: 'slot-time' | 'tokens'
  /** Whether tokens that were reserved and not used are given back. */
  readonly refundsTokens: boolean
  /** Where learning begins: what the vendor's smallest account allows. */
  readonly learnFrom: number
}

// GLM counts requests in flight per model and publishes nothing else. Kimi counts over the account, tokens as well, and of these
// the input and the whole requested cap (both as documented by the vendors).
const slots: VendorHabits = { per: 'account', costs: 'slot-time', refundsTokens: true, learnFrom: 2 }
const habits: Readonly<Record<ProviderKind, VendorHabits>> = {
  glm: { ...slots, per: 'model' },
  kimi: { per: 'account', costs: 'tokens', refundsTokens: false, learnFrom: 1 },
  'openai-compatible': slots,
  local: slots,
}

// Always there. Its work has a queue of its own; the slots only keep one window from filling it.
const local: ProviderSpec = {
  name: 'local',
  kind: 'local',
  baseUrl: '',
  accounts: [
    {
      name: 'local',
      apiKeys: [],
      weight: 1,
      concurrency: { default: 8, byModel: {} },
      rates: { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null },
    },
  ],
  models: [],
  missing: null,
}

// A round trip to a vendor far away.
const cutHoldMs = 100

/** How everybody waits before a vendor, as settings give it. */
export interface QueueBounds {
  /** Jobs of one client. */
  readonly perClient: number
  /** Longest wait in milliseconds. */
  readonly waitMs: number
  readonly order: QueueOrder
}

/** Builds the providers in order, `local` last. */
export function configureProviders(
  specs: readonly ProviderSpec[],
  bounds: QueueBounds,
  clock: Clock,
  random: Random,
): readonly ConfiguredProvider[] {
  const providers = [...specs, local].map((spec) => configure(spec, bounds, clock, random))
  setOrderOfAll(providers, bounds.order)
  return providers
}

function configure(
  spec: ProviderSpec,
  bounds: QueueBounds,
  clock: Clock,
  random: Random,
): ConfiguredProvider {
  const { name, kind, baseUrl } = spec
  const { per, costs, refundsTokens, learnFrom } = habits[kind]
  const models =
    spec.models.length === 0
      ? undefined
      : [...spec.models, ...offeredModels(kind, undefined).filter(({ id }) => !spec.models.includes(id))]
  const { searchEngine, searchModel, timeouts } = spec
  const { plain, thinking } = (timeouts ?? timeoutDefaults).firstTokenMs
  const provider = createProvider({
    name,
    kind,
    baseUrl,
    clock,
    ...(models === undefined ? {} : { models }),
    ...(searchEngine ? { searchEngine } : {}),
    ...(searchModel ? { searchModel } : {}),
    ...(timeouts ? { timeouts } : {}),
  })
  return {
    provider,
    kind,
    accounts: spec.accounts.map((account) => ({
      name: account.name,
      apiKeys: account.apiKeys,
      weight: account.weight,
      groups: new AccountGroups(
        `${name}/${account.name}`,
        toGroupPlan({
          per,
          costs: countsTokens(account) ? 'tokens' : costs,
          learnFrom,
          concurrency: account.concurrency,
          rates: { ...account.rates, refundsTokens },
          // A window may fill an eighth of its principal's line, and that a quarter of the whole.
          queue: {
            clientJobsMax: bounds.perClient,
            principalJobsMax: bounds.perClient * 8,
            jobsMax: bounds.perClient * 32,
          },
          waitMsMax: bounds.waitMs,
          cutHoldMs: kind === 'local' ? 0 : cutHoldMs,
        }),
        clock,
        random,
      ),
    })),
    defaultModel: (task) => defaultModel(kind, task, provider.models),
    missing: spec.missing,
    endpoint: baseUrl,
    firstTokenMs: Math.max(plain, thinking),
    modelPrefixes: modelPrefixes[kind] ?? [],
  }
}

// Where tokens a minute bind, whoever sends long texts takes more than whoever sends short ones, whatever time they take.
function countsTokens({ rates }: AccountSpec): boolean {
  return rates.tokensPerMinute !== null || rates.tokensPerDay !== null
}
