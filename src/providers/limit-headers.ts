// What a vendor says of its limits in headers: `x-ratelimit-remaining-requests` and its like (OpenAI and those who follow it, one
// set for requests and one for tokens), or plain `x-ratelimit-remaining`, which speaks of requests. What says no reset, or makes no
// sense, says nothing: a limit that is only guessed at would hold jobs back for no reason.

import type { LimitReading, VendorLimits } from '../domain/vendor-limits.ts'

/** Headers of a reply, lower case. */
export type ReplyHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Reads the headers of one reply; null when they speak of no limit. `wallMs` is needed for resets that are times of day. */
export function readLimitHeaders(headers: ReplyHeaders, wallMs: number): VendorLimits | null {
  const requests = reading(headers, '-requests', wallMs) ?? reading(headers, '', wallMs)
  const tokens = reading(headers, '-tokens', wallMs)
  return requests === null && tokens === null ? null : { requests, tokens, concurrency: null }
}

function reading(headers: ReplyHeaders, unit: string, wallMs: number): LimitReading | null {
  const remaining = wholeNumber(textOf(headers[`x-ratelimit-remaining${unit}`]))
  const resetMs = parseReset(textOf(headers[`x-ratelimit-reset${unit}`]), wallMs)
  if (remaining === null || resetMs === null) return null
  return { limit: wholeNumber(textOf(headers[`x-ratelimit-limit${unit}`])), remaining, resetMs }
}

/**
 * A reset as milliseconds from now: `20ms`, `1s`, `6m0s`, `1h2m3.5s`; a bare number is seconds, or a time since the epoch (in
 * seconds or milliseconds) when it is too large for a delay; a date is a date. Null for anything else, and for what is past.
 */
export function parseReset(text: string, wallMs: number): number | null {
  const trimmed = text.trim()
  if (trimmed === '') return null
  if (/^\d+(\.\d+)?$/.test(trimmed)) return aheadMs(fromNumber(Number(trimmed), wallMs))
  if (/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(trimmed)) {
    let sum = 0
    for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
      sum += Number(amount) * (unitMs[unit ?? ''] ?? 0)
    return aheadMs(sum)
  }
  return aheadMs(Date.parse(trimmed) - wallMs)
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const epochSecondsMin = 1_000_000_000
const epochMillisMin = 1_000_000_000_000

function fromNumber(value: number, wallMs: number): number {
  if (value >= epochMillisMin) return value - wallMs
  return value >= epochSecondsMin ? value * 1000 - wallMs : value * 1000
}

function aheadMs(ms: number): number | null {
  return Number.isFinite(ms) && ms >= 0 ? Math.ceil(ms) : null
}

function wholeNumber(text: string): number | null {
  return /^\d{1,15}$/.test(text.trim()) ? Number(text) : null
}

function textOf(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? ''
}
