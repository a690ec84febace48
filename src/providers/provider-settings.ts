// What a provider is built from. Keys are no part of it: they come with each attempt.

import type { Clock } from '../lib/clock.ts'
import type { ModelTimeouts } from './model-timeouts.ts'
import type { ModelInfo } from './provider.ts'

/** Settings shared by every kind; what a kind does not know it ignores. */
export interface ProviderSettings {
  /** The name in the config. */
  readonly name: string
  /** Without a trailing path such as `/chat/completions`; each vendor has its own default. */
  readonly baseUrl?: string
  /** Models offered, on top of the catalogue's. */
  readonly models?: readonly (string | ModelInfo)[]
  readonly clock: Clock
  /** How long it may say nothing; `timeoutDefaults` when absent. */
  readonly timeouts?: ModelTimeouts
  /** GLM: the one engine that searches; else whichever of those it is said to have the host accepts. */
  readonly searchEngine?: string
  /** Kimi: the one model that searches; else whichever has the builtin. */
  readonly searchModel?: string
}
