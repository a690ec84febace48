// How grave a message to a client is: the eight levels of RFC 5424, as both protocol eras name them.

/** From the least grave. */
export const logLevels = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const

/** How grave a message is. */
export type LogLevel = (typeof logLevels)[number]

/** True for one of the eight. */
export function isLogLevel(value: unknown): value is LogLevel {
  return logLevels.some((level) => level === value)
}

/** True when whoever wants `wanted` and graver wants this; null wants nothing. */
export function isWanted(level: LogLevel, wanted: LogLevel | null): boolean {
  return wanted !== null && logLevels.indexOf(level) >= logLevels.indexOf(wanted)
}
