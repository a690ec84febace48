// How long calls may take, as an operator sets it.

/** In milliseconds; `toolTimeoutMs` is of single tools, by name. */
export interface CallTimes {
  readonly callTimeoutMs: number
  readonly toolTimeoutMs: Readonly<Record<string, number | undefined>>
}

/** The time of the calls that may take longest. */
export function longestCallMs({ callTimeoutMs, toolTimeoutMs }: CallTimes): number {
  return Math.max(callTimeoutMs, ...Object.values(toolTimeoutMs).map((each) => each ?? 0))
}
