// What routing may try: a provider's model through one quota group. The words that choice, breaker, cooldown and keys share.

import type { JobKind } from '../providers/provider.ts'

/** One target. Two targets with the same `group` share one capacity. */
export interface Target {
  readonly provider: string
  /** null where the vendor operation has no model: a search, a page. */
  readonly model: string | null
  /** What is asked for where no model tells targets apart: a vendor that takes no more files still searches. */
  readonly kind?: JobKind
  /** `glm/main`. */
  readonly accountName: string
  /** The quota group: the account, and the model where the vendor counts so. */
  readonly group: string
  /** Base URL: what breaks together. */
  readonly endpoint: string
  /** Keys of the account; 0 where none is needed. */
  readonly keyCount: number
  /** null: unknown. */
  readonly contextTokens: number | null
  /** Share among the groups of one model, usually 1; 0: only while no other is usable. */
  readonly weight: number
}

/** Names a target for visited sets and cooldowns: the same model twice in a chain is one. */
export function targetKey(target: Target): string {
  return `${target.group}\n${target.provider}\n${subjectOf(target)}`
}

/** Names what a breaker guards. */
export function breakerKey(target: Target): string {
  return `${target.provider}\n${target.endpoint}\n${subjectOf(target)}`
}

/** The model, or the kind of work where there is none. */
export function subjectOf({ model, kind }: Target): string {
  return model ?? kind ?? ''
}
