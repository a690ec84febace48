// The vendors' own limits, per account: requests in flight (per model, over the account, of the search API), requests a
// minute, tokens a minute (prompt plus the requested cap, not what is generated) and tokens a day. Bounded: 1,000
// accounts, an idle one is forgotten first.

import type { VendorSettings } from './settings.ts'
import type { Operation } from './vendors.ts'

const minuteMs = 60_000
const dayMs = 86_400_000
const accountsMax = 1000

/** Which limit refused, with its number and the reading that was over it. */
export interface LimitRefusal {
  readonly limit: 'concurrency' | 'search-concurrency' | 'rpm' | 'tpm' | 'tpd'
  readonly max: number
  readonly current: number
  /** Milliseconds until the same request could pass. */
  readonly retryAfterMs: number
}

/** A place in the limits; `release` gives back what is in flight (not what was counted). */
export interface LimitPermit {
  release(): void
}

interface Account {
  inFlight: number
  searching: number
  readonly models: Map<string, number>
  minute: { at: number; tokens: number }[]
  day: { since: number; tokens: number }
}

/** What a request weighs against the limits. */
export interface Load {
  readonly account: string
  readonly operation: Operation
  readonly model: string
  /** Prompt tokens plus the requested cap. */
  readonly tokens: number
}

/** What is left of a limit a minute. */
export interface LimitReading {
  readonly max: number
  readonly left: number
  /** Until more is left. */
  readonly resetMs: number
}

/** The limits of one vendor. */
export class AccountLimits {
  readonly #now: () => number
  readonly #accounts = new Map<string, Account>()

  /** `now` in milliseconds: the machine's clock, or a test's. */
  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Takes a place, or says which limit is over. Never both counts and refuses. */
  acquire(load: Load, settings: VendorSettings): LimitPermit | LimitRefusal {
    const now = this.#now()
    const account = this.#account(load.account)
    account.minute = account.minute.filter((entry) => now - entry.at < minuteMs)
    if (now - account.day.since >= dayMs) account.day = { since: now, tokens: 0 }
    const refusal = this.#refusal(account, load, settings, now)
    if (refusal) return refusal
    return this.#admit(account, load, settings, now)
  }

  /** What is left of an account's requests and tokens a minute; null where there is no such limit. */
  readings(
    name: string,
    settings: VendorSettings,
  ): { readonly requests: LimitReading | null; readonly tokens: LimitReading | null } {
    const now = this.#now()
    const entries = (this.#accounts.get(name)?.minute ?? []).filter((entry) => now - entry.at < minuteMs)
    const oldest = entries[0]?.at ?? now - minuteMs
    const resetMs = Math.max(0, minuteMs - (now - oldest))
    const reading = (max: number | null, used: number): LimitReading | null =>
      max === null ? null : { max, left: Math.max(0, max - used), resetMs }
    return {
      requests: reading(settings.requestsPerMinute, entries.length),
      tokens: reading(
        settings.tokensPerMinute,
        entries.reduce((sum, entry) => sum + entry.tokens, 0),
      ),
    }
  }

  /** Requests in flight over all accounts. */
  get inFlight(): number {
    let sum = 0
    for (const account of this.#accounts.values()) sum += account.inFlight + account.searching
    return sum
  }

  /** Forgets what was counted in minutes and days; what is in flight stays. */
  forget(): void {
    for (const account of this.#accounts.values()) {
      account.minute = []
      account.day = { since: this.#now(), tokens: 0 }
    }
  }

  #refusal(account: Account, load: Load, settings: VendorSettings, now: number): LimitRefusal | undefined {
    const limits = settings.concurrency
    if (load.operation === 'search') {
      return over('search-concurrency', limits.search, account.searching + 1, 1000)
    }
    if (load.operation !== 'chat') return undefined
    const model = account.models.get(load.model) ?? 0
    const oldest = account.minute[0]?.at ?? now
    const minuteLeft = minuteMs - (now - oldest)
    const minuteTokens = account.minute.reduce((sum, entry) => sum + entry.tokens, 0)
    return (
      over('concurrency', limits.account, account.inFlight + 1, 1000) ??
      over('concurrency', limits.models[load.model] ?? limits.default, model + 1, 1000) ??
      over('rpm', settings.requestsPerMinute, account.minute.length + 1, minuteLeft) ??
      over('tpm', settings.tokensPerMinute, minuteTokens + load.tokens, minuteLeft) ??
      over('tpd', settings.tokensPerDay, account.day.tokens + load.tokens, dayMs - (now - account.day.since))
    )
  }

  #admit(account: Account, load: Load, settings: VendorSettings, now: number): LimitPermit {
    const isSearch = load.operation === 'search'
    const isChat = load.operation === 'chat'
    if (isSearch) account.searching++
    if (isChat) {
      account.inFlight++
      account.models.set(load.model, (account.models.get(load.model) ?? 0) + 1)
      account.day.tokens += load.tokens
      // Kept only while a limit reads it: without one the list would grow with the load.
      if (settings.requestsPerMinute !== null || settings.tokensPerMinute !== null) {
        account.minute.push({ at: now, tokens: load.tokens })
      }
    }
    let isHeld = true
    return {
      release: () => {
        if (!isHeld) return
        isHeld = false
        if (isSearch) account.searching--
        if (!isChat) return
        account.inFlight--
        const left = (account.models.get(load.model) ?? 1) - 1
        if (left > 0) account.models.set(load.model, left)
        else account.models.delete(load.model)
      },
    }
  }

  #account(name: string): Account {
    const known = this.#accounts.get(name)
    if (known) return known
    if (this.#accounts.size >= accountsMax) {
      for (const [other, account] of this.#accounts) {
        if (account.inFlight + account.searching > 0) continue
        this.#accounts.delete(other)
        break
      }
    }
    const account: Account = {
      inFlight: 0,
      searching: 0,
      models: new Map(),
      minute: [],
      day: { since: this.#now(), tokens: 0 },
    }
    this.#accounts.set(name, account)
    return account
  }
}

function over(
  limit: LimitRefusal['limit'],
  max: number | null,
  current: number,
  retryAfterMs: number,
): LimitRefusal | undefined {
  return max !== null && current > max ? { limit, max, current, retryAfterMs } : undefined
}
