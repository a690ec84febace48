// The words of choosing: providers as configured, their accounts, what a caller wishes for.

import type { AccountGroups } from '../admission/account-groups.ts'
import type { GenerateJob, JobKind, Provider } from '../providers/provider.ts'
import type { ProviderKind } from '../providers/registry.ts'

/** One account at a provider: its keys are only credentials, its groups are what is scarce. */
export interface Account {
  readonly name: string
  /** Never empty unless the provider needs no key. */
  readonly apiKeys: readonly string[]
  readonly groups: AccountGroups
  /** Share of a model's jobs among several accounts, at least 0; absent: 1. */
  readonly weight?: number
}

/** A provider as configured. Ready when it has an account, or needs none. */
export interface ConfiguredProvider {
  readonly provider: Provider
  /** Which vendor speaks behind its name; absent: the one it is named after. */
  readonly kind?: ProviderKind
  readonly accounts: readonly Account[]
  /** The model a task gets when nobody asked for one; null for providers that serve no such task. */
  defaultModel(task: GenerateJob['task']): string | null
  /** What to set when it is not ready. */
  readonly missing: string | null
  /** Base URL: what breaks together. Absent: the provider's name. */
  readonly endpoint?: string
  /** How many milliseconds it may take to its first part, at most. Absent: nobody knows. */
  readonly firstTokenMs?: number
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
  /** Providers by name or kind, in order of preference; others are not considered. Absent: all but `local`, in config order. */
  readonly prefer?: readonly string[] | undefined
}
