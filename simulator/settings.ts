// What can be set of one vendor, and the defaults. The control door changes it while the simulator runs; a request
// reads it when it arrives. Times in milliseconds; null means "no limit" or "not set".

import { defaultSwitches, switchTables } from './switches.ts'
import type { Operation, Vendor } from './vendors.ts'

/** Operations whose service time can be set; the others answer at once. */
export const timedOperations: readonly ['chat', 'search', 'read', 'extract', 'formula'] = [
  'chat',
  'search',
  'read',
  'extract',
  'formula',
]
/** One of the operations whose service time can be set. */
export type TimedOperation = (typeof timedOperations)[number]

/** Changes the pace of the requests it matches; the first matching rule wins. */
export interface PaceRule {
  /** Regular expression on the request's raw body text (of an upload too, with its file name; the first MiB). */
  readonly match?: string | undefined
  readonly operation?: Operation | undefined
  readonly model?: string | undefined
  readonly serviceMs?: number | undefined
  readonly chunkMs?: number | undefined
  readonly answerChars?: number | undefined
}

/** A fault in waiting. */
export interface ArmedFault {
  readonly name: string
  /** How many requests it still hits; null: every one. */
  times: number | null
  /** Only a request whose operation, model, key and body match is hit. Model, key and body are regular expressions. */
  readonly operation?: Operation | undefined
  readonly model?: string | undefined
  readonly key?: string | undefined
  readonly body?: string | undefined
  /** The fault's own time: the delay before a refusal, the length of a gap, the pause between drips. */
  readonly ms?: number | undefined
  /** Words of a refusal in place of the vendor's usual ones, such as a reset time of the test's choosing. */
  readonly message?: string | undefined
  /** The Retry-After header of a refusal, verbatim. */
  readonly retryAfter?: string | undefined
}

/** How many requests one account may have in flight; one over is refused. */
export interface ConcurrencyLimits {
  /** Per model (GLM). Models without an entry of their own share this number each, not together. */
  readonly default: number | null
  /** Over all models of the account (Kimi's organisation-wide limit; on GLM normally none). */
  readonly account: number | null
  /** GLM's search API, which has a limit of its own. */
  readonly search: number | null
  readonly models: Readonly<Record<string, number>>
}

/** Everything that can be set of one vendor. */
export interface VendorSettings {
  readonly serviceMs: Readonly<Record<TimedOperation, number>>
  /** Time between two chunks; null spreads the chunks over the service time. */
  readonly chunkMs: number | null
  readonly chunkChars: number
  /** The answer is padded to at least this many characters. */
  readonly answerChars: number
  readonly rules: readonly PaceRule[]
  readonly concurrency: ConcurrencyLimits
  readonly requestsPerMinute: number | null
  readonly tokensPerMinute: number | null
  readonly tokensPerDay: number | null
  /** `any` takes every key of the vendor; `intl` and `china` refuse the keys of the other region with 401. */
  readonly region: 'any' | 'intl' | 'china'
  readonly filesMax: number
  /** `closed` holds every answer back (the slot stays taken) until it is opened: for tests without sleeps. */
  readonly gate: 'open' | 'closed'
  readonly switches: Readonly<Record<string, string>>
  readonly faults: readonly ArmedFault[]
}

/** The settings a vendor starts with. */
export function defaultSettings(vendor: Vendor): VendorSettings {
  return {
    serviceMs: { chat: 0, search: 0, read: 0, extract: 0, formula: 0 },
    chunkMs: null,
    chunkChars: 24,
    answerChars: 0,
    rules: [],
    concurrency:
      vendor === 'glm'
        ? { default: 2, account: null, search: null, models: {} }
        : { default: null, account: 50, search: null, models: {} },
    requestsPerMinute: null,
    tokensPerMinute: null,
    tokensPerDay: null,
    region: 'any',
    filesMax: 1000,
    gate: 'open',
    switches: defaultSwitches(switchTables[vendor]),
    faults: [],
  }
}
