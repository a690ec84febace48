// When a vendor says to come back: in a header, in the text, or as a time of day. Everything here answers milliseconds,
// or null when nothing usable was said. Waits are capped, for a vendor's clock may be wrong by years.

const headerCapMs = 3_600_000
const resetCapMs = 8 * 24 * 3_600_000

/** `Retry-After` as whole seconds or an HTTP date; capped at one hour. */
export function parseRetryAfter(value: string | undefined, wallMs: number): number | null {
  if (value === undefined) return null
  const trimmed = value.trim()
  const delay = /^\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) * 1000 : Date.parse(trimmed) - wallMs
  return Number.isFinite(delay) && delay >= 0 ? Math.min(Math.ceil(delay), headerCapMs) : null
}

/** `… try again after 3 seconds` in a message; capped at one hour. */
export function parseRetryText(message: string): number | null {
  const match = /\bafter (\d+(?:\.\d+)?) ?(second|minute|ms)/i.exec(message)
  if (!match) return null
  const unitMs = match[2]?.toLowerCase() === 'minute' ? 60_000 : match[2]?.toLowerCase() === 'ms' ? 1 : 1000
  return Math.min(Math.ceil(Number(match[1]) * unitMs), headerCapMs)
}

/**
 * The first `2026-11-22 15:30:00` in a message as a delay from `wallMs`; a time without a zone is taken as `zoneHours`
 * east of UTC. At least one second (the moment may just be past), at most eight days (the longest window is a week).
 */
export function parseResetTime(message: string, wallMs: number, zoneHours: number): number | null {
  const match = /(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?/.exec(
    message,
  )
  if (!match) return null
  const zoned = match[3] !== undefined
  const atMs =
    Date.parse(`${match[1]}T${match[2]}${zoned ? withColon(match[3] ?? 'Z') : 'Z'}`) -
    (zoned ? 0 : zoneHours * 3_600_000)
  if (!Number.isFinite(atMs)) return null
  return Math.min(Math.max(Math.ceil(atMs - wallMs), 1000), resetCapMs)
}

function withColon(zone: string): string {
  return zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone
}
