// How grave a message to a client is: the eight levels of RFC 5424, as both protocol eras name them.

/** From the least grave. */
export const messageLevels = [
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
export type MessageLevel = (typeof messageLevels)[number]

/** True for one of the eight. */
export function isMessageLevel(value: unknown): value is MessageLevel {
  return messageLevels.some((level) => level === value)
}

/** True when whoever wants `wanted` and graver wants this; null wants nothing. */
export function isWanted(level: MessageLevel, wanted: MessageLevel | null): boolean {
  return wanted !== null && messageLevels.indexOf(level) >= messageLevels.indexOf(wanted)
}
