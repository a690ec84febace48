// What becomes of a request whose connection broke before its answer: sent again as it is, sent again to the one process that
// can recognise it, or given up.

import type { SentRequest } from './in-flight.ts'
import type { ServerFate } from './link.ts'
import type { Resend, WaitingMessage } from './outbox.ts'
import { repeatOf } from './repeat.ts'

/** The connection's process, null while unknown; the time by the wall in milliseconds. */
export interface Moment {
  readonly instance: string | null
  readonly wallMs: number
}

// The server keeps results for ten minutes: a little less, so that its "this never came here" can be believed.
const resendWithinMs = 540_000

/** What waits for the next connection; null: it is lost. */
export function afterBreak(
  { id, method, text, sendings }: SentRequest,
  { instance, wallMs, fate }: Moment & { readonly fate: ServerFate },
): WaitingMessage | null {
  const repeat = repeatOf(method)
  if (text === null || repeat === 'never') return null
  // Sent for the first time to a server that had stopped taking calls: it was not begun.
  if (repeat === 'freely' || (fate === 'drained' && sendings === 1)) return { id, text }
  if (fate !== 'unknown' || instance === null) return null
  return { id, text, resend: { instance, sendings, brokenAtMs: wallMs, cancelText: null } }
}

/** Whether the process we are connected to now can tell what became of it. */
export function mayResend({ instance, brokenAtMs }: Resend, moment: Moment): boolean {
  return instance === moment.instance && moment.wallMs - brokenAtMs < resendWithinMs
}
