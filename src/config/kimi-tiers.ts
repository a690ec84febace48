// Kimi's limits by recharge tier, per account, from the vendor's published tables of the international and the Chinese host. A
// tenth is left free: others may use the same account. (Its table changes; `concurrency` and `rates` say it outright.)

import type { RatesConfig } from './config.ts'

interface TierRow {
  readonly concurrency: number
  readonly requestsPerMinute: number
  readonly tokensPerMinute: number
  readonly tokensPerDay: number | null
}

const million = 1_000_000
const row = (
  concurrency: number,
  requestsPerMinute: number,
  tokensPerMinute: number,
  tokensPerDay: number | null = null,
): TierRow => ({ concurrency, requestsPerMinute, tokensPerMinute, tokensPerDay })

const lowest = row(1, 3, million / 2, 1.5 * million)
const international = [
  lowest,
  row(50, 200, 2 * million),
  row(100, 500, 3 * million),
  row(200, 5000, 3 * million),
  row(400, 5000, 4 * million),
  row(1000, 10_000, 5 * million),
]
const chinese = [
  lowest,
  row(15, 100, 2 * million),
  row(40, 100, 3 * million),
  row(50, 200, 3 * million),
  row(60, 200, 4 * million),
  row(100, 300, 5 * million),
]

/** Requests at once and rates of a tier; null: nobody knows, and the group learns. */
export function kimiLimits(
  tier: number | null,
  baseUrl: string,
): { readonly concurrency: number | null; readonly rates: RatesConfig } {
  const table = new URL(baseUrl).hostname.endsWith('.cn') ? chinese : international
  const found = tier === null ? undefined : table[tier]
  if (found === undefined) return { concurrency: null, rates: noRates }
  const { concurrency, requestsPerMinute, tokensPerMinute, tokensPerDay } = found
  return {
    concurrency: Math.max(1, Math.floor(concurrency * 0.9)),
    rates: {
      // Of three requests a minute there is no tenth to leave.
      requestsPerMinute: Math.round(requestsPerMinute * 0.9),
      tokensPerMinute: Math.floor(tokensPerMinute * 0.9),
      tokensPerDay: tokensPerDay === null ? null : Math.floor(tokensPerDay * 0.9),
    },
  }
}

/** Nothing is known of what a vendor counts over time. */
export const noRates: RatesConfig = { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null }
