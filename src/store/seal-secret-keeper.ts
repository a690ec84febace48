// The secrets of a running server. The file is read again when it changes, and a new secret seals only some seconds after it was made,
// so that by then every process over the same folder opens what it seals.

import type { Clock } from '../lib/clock.ts'
import { followFile } from '../lib/follow-file.ts'
import type { SealSecret, SealSecrets } from '../lib/sealed-token.ts'
import { readOrMakeSealSecrets, ripeMs } from './seal-secret-file.ts'

const pollMs = 1_000

/** What the keeper needs. `onFault` hears of a file that became unreadable; the secrets known before stay in force. */
export interface SealSecretKeeperOptions {
  readonly path: string
  readonly clock: Clock
  onFault(error: Error): void
}

/** The secrets of a running server. */
export class SealSecretKeeper implements SealSecrets {
  readonly #options: SealSecretKeeperOptions
  #secrets: readonly (SealSecret & { readonly createdAt: number })[]
  #byId: ReadonlyMap<number, SealSecret> = new Map()
  #stop: (() => void) | null = null
  #tellForgotten: (() => void) | null = null

  private constructor(options: SealSecretKeeperOptions) {
    this.#options = options
    this.#secrets = []
  }

  /** Reads the file, or makes it where there is none. Rejects with a sentence when it is damaged or cannot be made. */
  static async open(options: SealSecretKeeperOptions): Promise<SealSecretKeeper> {
    const keeper = new SealSecretKeeper(options)
    keeper.#stop = await followFile({ ...options, everyMs: pollMs, read: () => keeper.#read() })
    return keeper
  }

  newest(): SealSecret {
    const ripeBefore = this.#options.clock.wallMs() - ripeMs
    const [first] = this.#secrets
    const ripe = this.#secrets.find(({ createdAt }) => createdAt <= ripeBefore) ?? this.#secrets.at(-1)
    if (first === undefined || ripe === undefined) throw new Error('The secrets have not been read.')
    return ripe
  }

  find(id: number): SealSecret | null {
    return this.#byId.get(id) ?? null
  }

  whenForgotten(tell: () => void): void {
    this.#tellForgotten = tell
  }

  /** Stops watching. */
  destroy(): void {
    this.#stop?.()
  }

  async #read(): Promise<void> {
    const { path, clock } = this.#options
    const records = await readOrMakeSealSecrets(path, clock)
    const known = this.#byId
    // A secret that is still there stays the same object: keys derived from it are kept by it.
    this.#secrets = records.map(({ id, bytes, createdAt }) => {
      const before = this.#secrets.find((each) => each.id === id)
      return before !== undefined && known.has(id)
        ? before
        : { id, bytes: Buffer.from(bytes, 'base64'), createdAt }
    })
    this.#byId = new Map(this.#secrets.map((secret) => [secret.id, secret]))
    if ([...known.keys()].some((id) => !this.#byId.has(id))) this.#tellForgotten?.()
  }
}
