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
  inFlight: number
  /** The number of its last use among all uses. */
  usedAs: number
  /** null: alive. Else when the next probe may go. */
  probeAt: number | null
  isProbing: boolean
}

const keysMax = 4_096

/** Health and use of every key. */
export class KeyHealth {
  readonly #options: KeyHealthOptions
  readonly #probeMs: number
  #uses = 0
  readonly #keys = new BoundedMap<string, KeyState>(keysMax)

  constructor(options: KeyHealthOptions) {
    this.#options = options
    this.#probeMs = options.probeMs ?? 3_600_000
  }

  /**
   * The least busy of the account's usable keys, of equals the one used longest ago; null when none may be used now. `except` are indexes this job has
   * tried: rotation ends when the pool does, whatever the number of attempts.
   */
  acquire(account: string, keyCount: number, except: ReadonlySet<number>): KeyUse | null {
    const indexes = this.#usable(account, keyCount, except)
    const least = Math.min(...indexes.map((index) => this.#state(nameOf(account, index)).inFlight))
    const idlest = indexes
      .map((index) => ({ index, state: this.#state(nameOf(account, index)) }))
      .filter(({ state }) => state.inFlight === least)
      .sort((a, b) => a.state.usedAs - b.state.usedAs)[0]
    return idlest === undefined ? null : this.#use(nameOf(account, idlest.index), idlest.index)
  }

  /** Whether `acquire` would give a key. */
  isUsable(account: string, keyCount: number, except: ReadonlySet<number>): boolean {
    return this.#usable(account, keyCount, except).length > 0
  }

  /** Milliseconds until one of the account's keys may be used or probed; 0: now. */
  waitMs(account: string, keyCount: number): number {
    const now = this.#options.clock.now()
    const waits = Array.from({ length: Math.max(1, keyCount) }, (_, index) => {
      const { probeAt, isProbing } = this.#state(nameOf(account, index))
      if (probeAt === null) return 0
      return isProbing ? this.#probeMs : Math.max(0, probeAt - now)
    })
    return Math.min(...waits)
  }

  /** The operator changed a key or paid the bill: everything of the account is tried again. Absent: of all accounts. */
  revive(account?: string): void {
    for (const [name, state] of this.#keys.entries()) {
      if (account !== undefined && !name.startsWith(`${account}#`)) continue
      state.probeAt = null
      state.isProbing = false
    }
  }

  /** Names of the dead keys. */
  inspect(): { readonly dead: readonly string[] } {
    return {
      dead: [...this.#keys.entries()].filter(([, state]) => state.probeAt !== null).map(([name]) => name),
    }
  }

  #usable(account: string, keyCount: number, except: ReadonlySet<number>): number[] {
    const now = this.#options.clock.now()
    return Array.from({ length: Math.max(1, keyCount) }, (_, index) => index).filter((index) => {
      if (except.has(index)) return false
      const { probeAt, isProbing } = this.#state(nameOf(account, index))
      return probeAt === null || (!isProbing && now >= probeAt)
    })
  }

  #use(name: string, index: number): KeyUse {
    const state = this.#state(name)
    const isProbe = state.probeAt !== null
    state.inFlight++
    state.usedAs = ++this.#uses
    if (isProbe) state.isProbing = true
    let isSettled = false
    return {
      index,
      name,
      settle: (verdict) => {
        if (isSettled) return
        isSettled = true
        state.inFlight--
        if (isProbe) state.isProbing = false
        this.#judge(name, state, verdict)
      },
    }
  }

  #judge(name: string, state: KeyState, verdict: KeyVerdict): void {
    if (verdict === 'works' && state.probeAt !== null) {
      state.probeAt = null
      this.#options.onRevival?.(name)
    }
    if (verdict === 'rejected') this.#kill(name, state)
    if (verdict === 'account-dead') {
      const account = name.slice(0, name.lastIndexOf('#'))
      for (const [other, theirs] of this.#keys.entries()) {
        if (other.startsWith(`${account}#`)) this.#kill(other, theirs)
      }
    }
  }

  #kill(name: string, state: KeyState): void {
    const wasAlive = state.probeAt === null
    state.probeAt = this.#options.clock.now() + this.#probeMs
    if (wasAlive) this.#options.onDeath?.(name)
  }

  #state(name: string): KeyState {
    return this.#keys.getOrCreate(name, () => ({ inFlight: 0, usedAs: 0, probeAt: null, isProbing: false }))
  }
}

function nameOf(account: string, index: number): string {
  return `${account}#${index}`
}
