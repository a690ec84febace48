// Who may write: an operator, from our own Origin, who proves that it is no page elsewhere acting in an operator's name. An operator's key
// proves that, since no browser sends it by itself. Whoever is an operator only for sitting at this computer proves it with the token
// of the data folder.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { localPrincipal } from '../domain/ids.ts'
import type { Secret } from '../lib/secret.ts'
import type { Holder } from '../principals/identify.ts'

/** Where the token is sent. */
export const tokenHeader = 'x-exai-token'

/** Why this request may not write, in a sentence; null: it may. */
export function writeBar(request: IncomingMessage, holder: Holder, token: Secret): string | null {
  if (!holder.isOperator) return 'This needs the key of an operator: exai key add NAME --operator'
  const { host = '', origin } = request.headers
  if (!isOwnOrigin(origin, host)) {
    return `A write must name this server as its Origin: send the header "Origin: http://${host}", with https where that is what you dial.`
  }
  if (holder.principal !== localPrincipal) return null
  const sent = request.headers[tokenHeader]
  if (typeof sent === 'string' && isSame(sent, token.reveal())) return null
  return `A write needs the token of this server's data folder in the header ${tokenHeader}: "exai token" prints it. With keys in force, an operator's key does as well.`
}

// The guard of the door has judged Host already.
function isOwnOrigin(origin: string | undefined, host: string): boolean {
  const own = host.toLowerCase()
  return own !== '' && (origin === `http://${own}` || origin === `https://${own}`)
}

// Digests are of one length, and say nothing of where two texts differ.
function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}
