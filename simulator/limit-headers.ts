// What a vendor says of its limits in headers, where the switch `limit-headers` has it: `x-ratelimit-…` for requests and tokens as
// OpenAI and its followers send them, or the plain set that one of Kimi's help pages claims.

import type { LimitReading } from './limits.ts'

/** The headers of a reply under these readings. */
export function limitHeaders(
  style: string | undefined,
  readings: { readonly requests: LimitReading | null; readonly tokens: LimitReading | null },
): Record<string, string> {
  if (style === 'plain') return readings.requests === null ? {} : headersOf('', readings.requests, inSeconds)
  if (style !== 'openai') return {}
  return {
    ...(readings.requests === null ? {} : headersOf('-requests', readings.requests, inUnits)),
    ...(readings.tokens === null ? {} : headersOf('-tokens', readings.tokens, inUnits)),
  }
}

function headersOf(
  unit: string,
  { max, left, resetMs }: LimitReading,
  written: (ms: number) => string,
): Record<string, string> {
  return {
    [`x-ratelimit-limit${unit}`]: String(max),
    [`x-ratelimit-remaining${unit}`]: String(left),
    [`x-ratelimit-reset${unit}`]: written(resetMs),
  }
}

const inSeconds = (ms: number): string => String(Math.ceil(ms / 1000))

function inUnits(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`
  const seconds = Math.ceil(ms / 1000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
