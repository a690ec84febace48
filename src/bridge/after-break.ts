// What becomes of a request whose connection broke before its answer: sent again as it is, sent again to the one process that
// can recognise it, or given up.

import { nobody } from '../domain/resend.ts'
import type { SentRequest } from './in-flight.ts'
import type { ServerFate } from './link.ts'
import type { Resend, WaitingMessage } from './outbox.ts'
import { repeatOf } from './repeat.ts'

// The server keeps an answer for ten minutes, and none is made before its call is sent: for a little less than that its "this never
// came here" can be believed. When the connection broke says nothing: who sleeps notices it long after the answer was made.
const believedMs = 540_000
// What breaks its connection every time must not do so for ever: whatever the reason is, the message is part of it.
const sendingsMax = 8

/** What waits for the next connection; null: it is lost. `instance`: the connection's process, null while unknown. */
export function afterBreak(
  request: SentRequest,
  { instance, fate }: { readonly instance: string | null; readonly fate: ServerFate },
): WaitingMessage | null {
  const { id, method, text, sendings, waits = 0, sentAtMs } = request
  const repeat = repeatOf(method)
  if (text === null || repeat === 'never' || sendings >= sendingsMax) return null
  if (repeat === 'freely') return { id, text, sendings }
  if (isUnbegun(request, fate)) return { id, text, sendings: 0, waits }
  if (fate === 'gone' || fate === 'drained' || instance === null) return null
  return { id, text, sendings, resend: { instance, sentAtMs, cancelText: null } }
}

/** Whether it was sent for the first time, to a server that had stopped taking calls. */
export function isUnbegun({ sendings }: SentRequest, fate: ServerFate): boolean {
  return fate === 'drained' && sendings === 1
}

/** Whether the process we are connected to now, null while unknown, can tell what became of it. */
export function mayResend({ resend }: WaitingMessage, instance: string | null): boolean {
  return resend === undefined || resend.instance === instance
}

/** The process that may begin it, should it be unknown there; `nobody` once its answer may have been kept and forgotten. */
export function mayBeginAt({ instance, sentAtMs }: Resend, wallMs: number): string {
  // A clock that was set back in the meantime proves nothing.
  return wallMs >= sentAtMs && wallMs - sentAtMs < believedMs ? instance : nobody
}
