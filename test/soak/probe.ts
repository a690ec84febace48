// What the soaked server is asked from inside, for `node --import`: each message of its parent is answered with what the process holds
// after collections. Changes nothing, and keeps nothing alive.

import { setTimeout as sleep } from 'node:timers/promises'

/** What a process holds. Bytes, and open handles by kind. */
export interface Held {
  /** All of it, as the machine sees it. */
  readonly residentBytes: number
  /** What is reached: heap and buffers after collections. */
  readonly liveBytes: number
  readonly handles: Readonly<Record<string, number>>
}

// Files being read and what ends in this turn: there or not at the moment of asking.
const passing = /^(?:FSReq\w+|CloseReq|Immediate)$/

process.on('message', async (message) => {
  if (message !== 'what do you hold?') return
  for (let n = 0; n < 3; n++) {
    globalThis.gc?.()
    await sleep(20)
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  const handles: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) {
    if (!passing.test(kind)) handles[kind] = (handles[kind] ?? 0) + 1
  }
  process.send?.({ residentBytes: rss, liveBytes: heapUsed + external, handles } satisfies Held)
})
process.channel?.unref()
