// The name of an answer: SHA-256 over everything that could change it, the namespace first. Two callers of different namespaces never
// meet here, whatever they ask. Every field of a job counts, so a new field can be forgotten by nobody; what does not change an answer
// (request id, signal, timeouts, the caller's label) is no part of a job and never comes here.

import { createHash } from 'node:crypto'
import type { Identity } from '../domain/identity.ts'
import type { Job } from '../providers/provider.ts'

/** Who may share an answer. `principal` is the default; nothing is wider than a team. */
export type CacheScope = 'client' | 'principal' | 'team'

/** What decides an answer. */
export interface CacheSubject {
  readonly namespace: string
  readonly provider: string
  /** Base URL. */
  readonly endpoint: string
  /** The model routing resolved to; null where the operation has none. */
  readonly model: string | null
  /** Raised whenever the provider's adapter asks or reads differently. */
  readonly adapterVersion: string
  readonly job: Job
}

const schemaVersion = 1
const depthMax = 64

/**
 * The namespace of a caller; null: none, so nothing is shared. A caller without a client id has no client namespace, and one
 * without a team shares with its principal only: never wider than asked.
 */
export function cacheNamespace(identity: Identity, scope: CacheScope): string | null {
  if (scope === 'team' && identity.team !== null) return JSON.stringify(['team', identity.team])
  if (scope !== 'client') return JSON.stringify(['principal', identity.principal])
  return identity.client === null ? null : JSON.stringify(['client', identity.principal, identity.client])
}

/** 64 hexadecimal digits; null for a job nested deeper than anybody writes by hand, which is not cached. */
export function cacheKey(subject: CacheSubject): string | null {
  const { namespace, provider, endpoint, model, adapterVersion, job } = subject
  const hash = createHash('sha256')
  const isHashed = [schemaVersion, namespace, provider, endpoint, model, adapterVersion, job].every((field) =>
    feed(hash, field, 0),
  )
  return isHashed ? hash.digest('hex') : null
}

// Canonical JSON, straight into the hash: keys sorted, absent and undefined alike, text as it is (no Unicode normalisation: a model
// sees the difference), bytes by their own hash under a mark that no JSON value begins with.
function feed(hash: ReturnType<typeof createHash>, value: unknown, depth: number): boolean {
  if (depth > depthMax) return false
  if (value instanceof Uint8Array) {
    hash.update(`#${createHash('sha256').update(value).digest('hex')},`)
    return true
  }
  if (Array.isArray(value)) {
    hash.update('[')
    const isFed = value.every((item) => feed(hash, item, depth + 1))
    hash.update('],')
    return isFed
  }
  if (typeof value === 'object' && value !== null) {
    hash.update('{')
    const isFed = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .every(([name, member]) => {
        hash.update(`${JSON.stringify(name)}:`)
        return feed(hash, member, depth + 1)
      })
    hash.update('},')
    return isFed
  }
  hash.update(`${JSON.stringify(value) ?? 'null'},`)
  return true
}
