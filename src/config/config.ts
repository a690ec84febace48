// What is in force once file, environment and flags are merged and checked. Frozen all the way down; the one thing that
// rooms are configured from. Durations in milliseconds, sizes in bytes.

import type { QueueOrder } from '../admission/fair-queue.ts'
import type { TokenLimits } from '../admission/quotas-of.ts'
import type { PriceLine } from '../ledger/price-table.ts'
import type { Secret } from '../lib/secret.ts'
import type { ModelTimeouts } from '../providers/model-timeouts.ts'
import type { ProviderKind } from '../providers/registry.ts'
import type { BreakerLimits } from '../routing/breaker.ts'
import type { RetryLimits } from '../routing/retry-limits.ts'
import type { EdgeLimits } from '../transport/edge-limits.ts'
import type { AccessConfig } from './access-section.ts'
import type { CacheConfig, ModelsConfig } from './answers-section.ts'
import type { LateResultsConfig } from './late-section.ts'

/** Where a value came from. Defaults have no origin. */
export type Origin =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'flag'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }

/** A credential and where it came from, so that people can be told the second without the first. */
export interface ApiKey {
  readonly secret: Secret
  readonly origin: Origin
}

/** How many requests an account takes at once, for any model and for some by name; null: to be learned. */
export interface ConcurrencyConfig {
  readonly default: number | null
  readonly byModel: Readonly<Record<string, number>>
}

/** What an account may use over time; null: nobody has said. A day is a UTC day. */
export interface RatesConfig {
  readonly requestsPerMinute: number | null
  readonly tokensPerMinute: number | null
  readonly tokensPerDay: number | null
}

/** One account at a provider. `apiKeys` is empty only where the provider needs none. */
export interface AccountConfig {
  readonly name: string
  readonly apiKeys: readonly ApiKey[]
  /** Its share of the work among the provider's accounts; 0: only while no other can. */
  readonly weight: number
  readonly concurrency: ConcurrencyConfig
  readonly rates: RatesConfig
}

/** Which adapter speaks to a provider that the config names; `local` is built in. */
export type ConfigurableKind = Exclude<ProviderKind, 'local'>

/** One provider. `baseUrl` has no trailing slash. */
export interface ProviderConfig {
  readonly name: string
  readonly kind: ConfigurableKind
  readonly baseUrl: string
  /** Those that can be used: empty where `missing` says what to set. */
  readonly accounts: readonly AccountConfig[]
  /** Kimi's recharge tier; null: unknown. */
  readonly tier: number | null
  /** Models named in the config; the catalogue's own come on top. */
  readonly models: readonly string[]
  /** The one engine of GLM's web search; null: whichever the host accepts. */
  readonly searchEngine: string | null
  /** The one model that searches at Kimi; null: whichever can. */
  readonly searchModel: string | null
  /** How long it may say nothing. */
  readonly timeouts: ModelTimeouts
  /** The sentence that says what to set, when no key is set and one is needed. */
  readonly missing: string | null
}

/** Requests a minute, how far ahead of that rate one may run, calls at once, and tokens of vendors. */
export interface RateConfig extends TokenLimits {
  readonly requestsPerMinute: number
  readonly burst: number
  readonly concurrency: number
}

/** Every limit. Their relations are checked when the config is loaded. */
export interface LimitsConfig {
  readonly maxClients: number
  readonly client: RateConfig
  readonly principal: RateConfig
  /** Of each team whose own section names none. */
  readonly team: TokenLimits
  readonly callTimeoutMs: number
  /** Time limits of single tools, by name. */
  readonly toolTimeoutMs: Readonly<Record<string, number | undefined>>
  readonly drainTimeoutMs: number
  /** A reader that takes nothing for so long loses its stream. */
  readonly slowReaderMs: number
  readonly sessionTtlHours: number
  /** The queue before a provider's slots. */
  readonly queue: { readonly perClient: number; readonly waitMs: number; readonly order: QueueOrder }
  readonly bodyBytesMax: number
  readonly uploadBytesMax: number
  /** What a connection may do before anybody has understood a message. */
  readonly edge: EdgeLimits
}

/** How much is logged. */
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

/** The whole configuration in force. */
export interface Config extends AccessConfig {
  /** The file it was read from, absolute; null when there was none. */
  readonly file: string | null
  readonly listen: { readonly host: string; readonly mcp: number }
  /** Names beyond our own address that a `Host` header may carry. */
  readonly allowedHosts: readonly string[]
  /** Absolute. */
  readonly dataDir: string
  /** Folders whose files tools may read, absolute. */
  readonly roots: readonly string[]
  readonly providers: readonly ProviderConfig[]
  readonly limits: LimitsConfig
  readonly cache: CacheConfig
  readonly lateResults: LateResultsConfig
  readonly models: ModelsConfig
  /** Prices that win over ours, model by model. */
  readonly prices: readonly PriceLine[]
  readonly retries: RetryLimits
  /** Of each endpoint and model. */
  readonly breaker: BreakerLimits
  readonly log: { readonly level: LogLevel }
  /** By dotted path, for every value that is not a default. */
  readonly origins: Readonly<Record<string, Origin>>
  /** What works, and is probably not what was meant; for the first screen. */
  readonly warnings: readonly string[]
}
