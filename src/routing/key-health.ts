// The keys of accounts: which one an attempt uses, and which are dead. A key that the vendor rejected, and an account whose money
// or plan is gone, are not asked again until an operator changes something, except for one probe an hour.
// Keys are named `account#0`, never by their secret.

import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'

/** Collaborators. `onDeath` and `onRevival` are for the log and for alerts. */
export interface KeyHealthOptions {
  readonly clock: Clock
  /** Between two probes of a dead key; an hour. */
  readonly probeMs?: number
  onDeath?(keyName: string): void
  onRevival?(keyName: string): void
}

/** What an attempt found out about its key. */
export type KeyVerdict = 'works' | 'rejected' | 'account-dead' | 'unknown'

/** The use of one key by one attempt; settled exactly once. */
export interface KeyUse {
  /** Which of the account's keys; 0 also where none is needed. */
  readonly index: number
  /** For the ledger: never the secret. */
  readonly name: string
  settle(verdict: KeyVerdict): void
}

interface KeyState {
  readonly index: number
  readonly name: string
  inFlight: number
  /** The number of its last use among all uses. */
  usedAs: number
  /** null: alive. Else when the next probe may go. */
  probeAt: number | null
  isProbing: boolean
}

const accountsMax = 1_024

/** Health and use of every key. */
export class KeyHealth {
  readonly #options: KeyHealthOptions
  readonly #probeMs: number
  readonly #accounts = new BoundedMap<string, KeyState[]>(accountsMax)
  #uses = 0

  constructor(options: KeyHealthOptions) {
    this.#options = options
    this.#probeMs = options.probeMs ?? 3_600_000
  }

  /**
   * The least busy of the account's usable keys, of equals the one used longest ago; null when none may be used now. `except` are
   * indexes this job has tried: rotation ends when the pool does, whatever the number of attempts.
   */
  acquire(account: string, keyCount: number, except: ReadonlySet<number>): KeyUse | null {
    let best: KeyState | null = null
    for (const key of this.#keys(account, keyCount)) {
      if (except.has(key.index) || this.#waitMs(key) > 0) continue
      const isBetter =
        best === null ||
        key.inFlight < best.inFlight ||
        (key.inFlight === best.inFlight && key.usedAs < best.usedAs)
      if (isBetter) best = key
    }
    return best === null ? null : this.#use(account, best)
  }

  /** Whether `acquire` would give a key. */
  isUsable(account: string, keyCount: number, except: ReadonlySet<number>): boolean {
    return this.#keys(account, keyCount).some((key) => !except.has(key.index) && this.#waitMs(key) === 0)
  }

  /** Milliseconds until one of the account's keys may be used or probed; 0: now. */
  waitMs(account: string, keyCount: number): number {
    let least = Number.POSITIVE_INFINITY
    for (const key of this.#keys(account, keyCount)) least = Math.min(least, this.#waitMs(key))
    return least
  }

  /**
   * The operator changed a key or paid the bill: everything of the account is tried again. Absent: of all accounts. Answers the names
   * of the keys that were dead.
   */
  revive(account?: string): readonly string[] {
    const revived: string[] = []
    for (const [name, keys] of this.#accounts.entries()) {
      if (account !== undefined && name !== account) continue
      for (const key of keys) {
        if (key.probeAt !== null) revived.push(key.name)
        key.probeAt = null
        key.isProbing = false
      }
    }
    return revived
  }

  /** Names of the dead keys. */
  inspect(): { readonly dead: readonly string[] } {
    const all = [...this.#accounts.entries()].flatMap(([, keys]) => keys)
    return { dead: all.filter(({ probeAt }) => probeAt !== null).map(({ name }) => name) }
  }

  #waitMs(key: KeyState): number {
    if (key.probeAt === null) return 0
    return key.isProbing ? this.#probeMs : Math.max(0, key.probeAt - this.#options.clock.now())
  }

  #use(account: string, key: KeyState): KeyUse {
    const isProbe = key.probeAt !== null
    key.inFlight++
    key.usedAs = ++this.#uses
    if (isProbe) key.isProbing = true
    let isSettled = false
    return {
      index: key.index,
      name: key.name,
      settle: (verdict) => {
        if (isSettled) return
        isSettled = true
        key.inFlight--
        if (isProbe) key.isProbing = false
        this.#judge(account, key, verdict)
      },
    }
  }

  #judge(account: string, key: KeyState, verdict: KeyVerdict): void {
    if (verdict === 'works' && key.probeAt !== null) {
      key.probeAt = null
      this.#options.onRevival?.(key.name)
    }
    if (verdict === 'rejected') this.#kill(key)
    if (verdict === 'account-dead') for (const each of this.#keys(account, 1)) this.#kill(each)
  }

  #kill(key: KeyState): void {
    const wasAlive = key.probeAt === null
    key.probeAt = this.#options.clock.now() + this.#probeMs
    if (wasAlive) this.#options.onDeath?.(key.name)
  }

  // An account without keys has one nameless credential, so that it can be dead, too.
  #keys(account: string, keyCount: number): readonly KeyState[] {
    const keys = this.#accounts.getOrCreate(account, () => [])
    for (let index = keys.length; index < Math.max(1, keyCount); index++) {
      keys.push({
        index,
        name: `${account}#${index}`,
        inFlight: 0,
        usedAs: 0,
        probeAt: null,
        isProbing: false,
      })
    }
    return keys
  }
}
