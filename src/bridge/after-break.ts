// What becomes of a request whose connection broke before its answer: sent again as it is, sent again to the one process that
// can recognise it, or given up.

import type { SentRequest } from './in-flight.ts'
import type { ServerFate } from './link.ts'
import type { WaitingMessage } from './outbox.ts'
import { repeatOf } from './repeat.ts'

/** The connection's process, null while unknown; the time by the wall in milliseconds. */
export interface Moment {
  readonly instance: string | null
  readonly wallMs: number
}

// The server keeps results for ten minutes: a little less, so that its "this never came here" can be believed.
const resendWithinMs = 540_000
// What breaks its connection every time must not do so for ever: whatever the reason is, the message is part of it.
const sendingsMax = 8

/** What waits for the next connection; null: it is lost. */
export function afterBreak(
  { id, method, text, sendings, brokenAtMs }: SentRequest,
  { instance, wallMs, fate }: Moment & { readonly fate: ServerFate },
): WaitingMessage | null {
  const repeat = repeatOf(method)
  if (text === null || repeat === 'never' || sendings >= sendingsMax) return null
  if (repeat === 'freely') return { id, text, sendings }
  // Sent for the first time to a server that had stopped taking calls: it was not begun.
  if (fate === 'drained' && sendings === 1) return { id, text, sendings: 0 }
  if (fate === 'gone' || fate === 'drained' || instance === null) return null
  // From the first break on: only then is it known that the server had it.
  return { id, text, sendings, resend: { instance, brokenAtMs: brokenAtMs ?? wallMs, cancelText: null } }
}

/** Whether the process we are connected to now can tell what became of it. */
export function mayResend({ resend }: WaitingMessage, moment: Moment): boolean {
  if (resend === undefined) return true
  return resend.instance === moment.instance && moment.wallMs - resend.brokenAtMs < resendWithinMs
}
