// What a window is told while its request waits for a connection, where it asked for progress: else it would see a minute of silence.

import type { WaitingMessage } from './outbox.ts'
import { progressTokenOf } from './repeat.ts'

/** One line of progress for a request that no server has begun; null for any other, and where its client asked for none. */
export function waitingWord({ id, text, sendings, waits = 0 }: WaitingMessage, why: string): string | null {
  if (id === null || sendings > 0) return null
  const progressToken = progressTokenOf(JSON.parse(text) as object)
  if (progressToken === null) return null
  // Numbers only rise, each time that it waits, and a server begins with 1.
  const params = { progressToken, progress: waits / (waits + 1), message: why }
  return JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params })
}
