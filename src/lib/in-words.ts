// Numbers as a sentence says them.

/** `1 job`, `2 jobs`. For nouns that take an s. */
export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** A time in milliseconds, rounded up so that whoever comes back then is not early: `1 second`, `90 seconds`, `2 hours`, `5 days`. */
export function duration(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000))
  if (seconds < 120) return counted(seconds, 'second')
  const minutes = Math.ceil(seconds / 60)
  if (minutes < 120) return counted(minutes, 'minute')
  const hours = Math.ceil(minutes / 60)
  return hours < 72 ? counted(hours, 'hour') : counted(Math.ceil(hours / 24), 'day')
}
