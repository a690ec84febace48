// Messages of a session of the 2025 era about something that this process does not have: an answer to a question that it did not put,
// or the cancellation of a request that it did not get. While a predecessor still works on what it began they are meant for it, since a
// client sends them by a connection of their own, and new connections are ours. It judges them as if they had come to its own door.

import type { PrincipalName } from '../../../domain/ids.ts'
import { type NotificationEnvelope, parseEnvelope, type ResponseEnvelope } from '../envelope.ts'
import type { StrayMessage } from '../mcp-options.ts'
import { errorMessage, notificationMessage } from '../messages.ts'
import { notifyLegacy } from './dispatch.ts'
import type { Session, Sessions } from './sessions.ts'

/** A message of this session, for whoever can place it. */
export function strayOf(
  { token, clientHeader, peer }: Session,
  envelope: NotificationEnvelope | ResponseEnvelope,
): StrayMessage {
  const { principal } = peer.identity
  return { principal, clientHeader, session: token, message: textOf(envelope) }
}

/** Takes what a successor could not place, if the session is here and is that principal's and that client's; else nothing happens. */
export function takeStray(
  { principal, clientHeader, session, message }: StrayMessage,
  sessions: Pick<Sessions, 'find'>,
): void {
  const found = sessions.find(session, principal as PrincipalName, clientHeader)
  if (found === null) return
  const envelope = parseEnvelope(message)
  if (envelope.kind === 'response') found.peer.settle(envelope)
  else if (envelope.kind === 'notification') notifyLegacy(envelope, found.peer.inFlight, found.peer)
}

// A client that answered with an error is not asked what it was.
function textOf(envelope: NotificationEnvelope | ResponseEnvelope): string {
  if (envelope.kind === 'notification') return notificationMessage(envelope.method, envelope.params)
  const { id, result } = envelope
  return result === null ? errorMessage(id, 0, 'none') : JSON.stringify({ jsonrpc: '2.0', id, result })
}
