// The keys of a running server: who a bearer token is, in constant time, from a file that is read again when it changes, so
// that a revoked key is dead within a second and no restart is needed.

import { timingSafeEqual } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Clock, Timer } from '../lib/clock.ts'
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
  #version = ''
  #timer: Timer | null = null
  #isDestroyed = false

  private constructor(options: KeyRingOptions) {
    this.#options = options
  }

  /** Reads the file and begins to watch it. Rejects with a sentence when it is damaged. */
  static async open(options: KeyRingOptions): Promise<KeyRing> {
    const ring = new KeyRing(options)
    await ring.#read()
    ring.#watch()
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
    this.#isDestroyed = true
    this.#timer?.cancel()
  }

  #watch(): void {
    if (this.#isDestroyed) return
    this.#timer = this.#options.clock.after(pollMs, () => {
      void this.#readIfChanged().then(
        () => this.#watch(),
        (error: Error) => {
          this.#options.onFault(error)
          this.#watch()
        },
      )
    })
  }

  async #readIfChanged(): Promise<void> {
    if ((await versionOf(this.#options.path)) !== this.#version) await this.#read()
  }

  async #read(): Promise<void> {
    const version = await versionOf(this.#options.path)
    const before = this.#keys
    this.#keys = new Map((await readKeyFile(this.#options.path)).map((key) => [key.digest, key]))
    this.#active = new Map(
      [...this.#keys.values()].flatMap((key) => (key.revokedAt === null ? [[key.name, key] as const] : [])),
    )
    const isFirst = this.#version === ''
    this.#version = version
    const revoked = [...before.values()].filter(
      ({ digest, revokedAt }) => revokedAt === null && this.#keys.get(digest)?.revokedAt !== null,
    )
    if (revoked.length > 0) this.#options.onRevoked?.(revoked.map(({ name }) => name))
    if (!isFirst) this.#options.onChanged?.()
  }
}

async function versionOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path)
    return `${ino}:${mtimeMs}:${size}`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none'
    throw error
  }
}
