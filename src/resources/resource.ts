// The resource contract: something of ours that a client may read under a URI. Written once, it works in both protocol eras.
// Everything it shows belongs to the principal its context is bound to: what is foreign is not there, not even its absence.

import type { Asking } from '../domain/asking.ts'
import type { Identity } from '../domain/identity.ts'
import type { PrincipalName } from '../domain/ids.ts'
import type { UsageLine } from '../ledger/ledger.ts'
import type { UsageQuery } from '../ledger/usage-sums.ts'
import type { Message } from '../providers/provider.ts'
import type { ModelStanding } from '../routing/model-names.ts'

/** What a read answers: text, or bytes as base64. `uri` is the one that was asked for. */
export type ResourceContents =
  | { readonly uri: string; readonly mimeType: string; readonly text: string }
  | { readonly uri: string; readonly mimeType: string; readonly blob: string }

/** One readable thing, as lists show it. */
export interface ResourceEntry {
  readonly uri: string
  readonly name: string
  readonly title?: string
  readonly description?: string
  readonly mimeType?: string
  /** Bytes. */
  readonly size?: number
  /** ISO 8601. */
  readonly lastModified?: string
  /** Its place among its kind: the greater, the earlier it is shown. Never changes while the thing lives. */
  readonly order: number
}

/** A file of the caller's principal; `expiresAt` in milliseconds since the epoch. */
export interface OwnFile {
  readonly handle: string
  readonly name: string
  readonly bytes: number
  readonly expiresAt: number
}

/** A conversation of the caller's principal. Times in milliseconds since the epoch. */
export interface OwnThread {
  readonly handle: string
  /** How it began, cut. */
  readonly title: string
  readonly messages: number
  readonly chars: number
  readonly changedAt: number
  /** Rises with every new thread. */
  readonly sequence: number
}

/** What resources are made from: already bound to the caller's principal. */
export interface ResourceContext {
  readonly identity: Identity
  readonly files: {
    list(): readonly OwnFile[]
    /** Rejects with `not-found` for an unknown, expired or foreign handle. */
    read(handle: string): Promise<{ readonly name: string; readonly bytes: Uint8Array }>
    /** Its text, with page marks where it has pages. Rejects as `read` does, or with `document-unreadable` or `refused`. */
    text(handle: string, signal: AbortSignal): Promise<string>
  }
  readonly threads: {
    /** Newest first. */
    list(): readonly OwnThread[]
    has(handle: string): boolean
    /** Throws `not-found` for an unknown, forgotten or foreign handle. */
    read(handle: string): readonly Message[]
  }
  /** What this principal used. */
  usage(query: Omit<UsageQuery, 'principal'>): Promise<readonly UsageLine[]>
  readonly facts: {
    readonly version: string
    /** Milliseconds since the epoch. */
    wallMs(): number
    providers(): readonly {
      readonly name: string
      readonly isReady: boolean
      readonly missing: string | null
      readonly models: readonly string[]
    }[]
    models(): ModelStanding
  }
}

/** A resource, or a family of them behind a template with one variable. */
export interface Resource {
  /** `exai://models`, or `exai://threads/{handle}`: one variable, one path segment. */
  readonly uri: string
  readonly name: string
  readonly title: string
  readonly description: string
  /** null: it depends. */
  readonly mimeType: string | null
  /** How long a read stays fresh, in milliseconds. */
  readonly ttlMs: number
  /** Only of a family: what there is of the caller's principal. */
  list?(context: ResourceContext): readonly ResourceEntry[]
  /** Whether there is such a one of the caller's principal, whose changes are told. Absent: nobody is told of changes. */
  has?(context: ResourceContext, variable: string): boolean
  /**
   * `variable` is empty where the URI has none. It may ask the person, and is run again when the answer comes. Throws `CallFailure`; `not-found` is answered in the same words for what is
   * foreign and for what does not exist.
   */
  read(
    context: ResourceContext,
    request: {
      readonly uri: string
      readonly variable: string
      readonly signal: AbortSignal
      readonly asking: Asking
    },
  ): Promise<readonly ResourceContents[]>
}

/** Something of a principal has changed: a resource itself, or which resources there are (`uri` null). */
export interface ResourceChange {
  readonly principal: PrincipalName
  readonly uri: string | null
}

/** Declares a resource. */
export function defineResource(resource: Resource): Resource {
  return resource
}

/** What there is to read, and the maker of contexts for whoever reads. */
export interface ResourceOffer {
  readonly resources: readonly Resource[]
  /** Those that are the same for everybody and that nobody tells changes of: as long as `revision` answers the same, they are the same. */
  readonly sameForAll?: readonly { readonly uri: string; readonly revision: () => string }[]
  readonly contextOf: (identity: Identity) => ResourceContext
}
