// The keys of a running server: who a bearer token is, in constant time, from a file that is read again when it changes, so
// that a revoked key is dead within a second and no restart is needed.

import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import { followFile } from '../lib/follow-file.ts'
import { keyDigest } from './api-key.ts'
import { type KeyRecord, readKeyFile } from './key-file.ts'

/** What a token turned out to be. */
export type KeyFinding =
  | { readonly kind: 'known'; readonly key: KeyRecord }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'revoked' }

/** What the ring needs. `onFault` hears of a file that became unreadable; the keys known before stay in force. */
export interface KeyRingOptions {
  readonly path: string
  readonly clock: Clock
  onFault(error: Error): void
  /** Hears the names of keys that have just been revoked, so that what they opened can be closed. */
  onRevoked?(names: readonly string[]): void
  /** Told after each change of the file, once the new keys are in force. */
  onChanged?(): void
}

const pollMs = 500

/** Keys in memory, by digest. */
export class KeyRing {
  readonly #options: KeyRingOptions
  #keys: ReadonlyMap<string, KeyRecord> = new Map()
  /** Those not revoked, by name. */
  #active: ReadonlyMap<string, KeyRecord> = new Map()
  #stop: (() => void) | null = null

  private constructor(options: KeyRingOptions) {
    this.#options = options
  }

  /** Reads the file and begins to watch it. Rejects with a sentence when it is damaged. */
  static async open(options: KeyRingOptions): Promise<KeyRing> {
    const ring = new KeyRing(options)
    ring.#stop = await followFile({ ...options, everyMs: pollMs, read: (isFirst) => ring.#read(isFirst) })
    return ring
  }

  /** Keys that are not revoked. */
  get size(): number {
    return this.#active.size
  }

  /** True when there has never been a key: a revoked one is still one. */
  get isEmpty(): boolean {
    return this.#keys.size === 0
  }

  /** Keys in force. */
  active(): Iterable<KeyRecord> {
    return this.#active.values()
  }

  /** The key in force of a principal. */
  of(name: string): KeyRecord | null {
    return this.#active.get(name) ?? null
  }

  /** Who holds `token`. */
  find(token: string): KeyFinding {
    const digest = keyDigest(token)
    if (digest === null) return { kind: 'malformed' }
    const key = this.#keys.get(digest)
    if (!key || !timingSafeEqual(Buffer.from(key.digest, 'hex'), Buffer.from(digest, 'hex')))
      return { kind: 'unknown' }
    return key.revokedAt === null ? { kind: 'known', key } : { kind: 'revoked' }
  }

  /** Stops watching. */
  destroy(): void {
    this.#stop?.()
  }

  async #read(isFirst: boolean): Promise<void> {
    const before = this.#keys
    this.#keys = new Map((await readKeyFile(this.#options.path)).map((key) => [key.digest, key]))
    this.#active = new Map(
      [...this.#keys.values()].flatMap((key) => (key.revokedAt === null ? [[key.name, key] as const] : [])),
    )
    const revoked = [...before.values()].filter(
      ({ digest, revokedAt }) => revokedAt === null && this.#keys.get(digest)?.revokedAt !== null,
    )
    if (revoked.length > 0) this.#options.onRevoked?.(revoked.map(({ name }) => name))
    if (!isFirst) this.#options.onChanged?.()
  }
}
