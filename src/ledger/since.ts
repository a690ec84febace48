// How people say since when: `7d`, `24h`, or a day.

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** What is expected, for messages. */
export const sinceWords = 'a span such as 24h, 7d or 4w, or a day such as 2026-11-01 (UTC)'

/** Milliseconds since the epoch; null: not a span or a day. */
export function parseSince(text: string, nowMs: number): number | null {
  const span = /^(\d{1,5})([mhdw])$/.exec(text.trim())
  if (span) return nowMs - Number(span[1]) * (unitMs[span[2] ?? ''] ?? 0)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text.trim())) return null
  const day = new Date(`${text.trim()}T00:00:00Z`)
  // 31 November is no day, though Date takes it for one.
  return Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text.trim() ? null : day.getTime()
}
