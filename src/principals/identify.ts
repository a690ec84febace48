// Tells the clients of one principal apart, in one place, from facts the transport saw. The order is the design's: the `x-exai-client`
// header; else the WebSocket connection; else the 2025-era session; else nobody in particular. An id is a claim: it
// separates windows inside one principal and never crosses principals. Nothing is keyed by address.

import { CallFailure } from '../domain/failure.ts'
import { clientOfConnection, type Identity } from '../domain/identity.ts'
import { type ClientId, localPrincipal, type PrincipalName } from '../domain/ids.ts'

/** What is known of a caller. Header values are as received, percent-encoded by `exai id`. */
export interface CallerFacts {
  readonly clientHeader?: string | undefined
  readonly labelHeader?: string | undefined
  readonly rootHeader?: string | undefined
  /** Set on WebSocket: unique per connection. */
  readonly connectionId?: string | undefined
  /** Set in the 2025 era: what the opened session token says of its client, unique per session. */
  readonly sessionId?: string | undefined
  /** `clientInfo.name`, where known, for the label. */
  readonly programName?: string | undefined
  /** `Authorization`, as received. Never logged. */
  readonly authorization?: string | undefined
  /** True when the peer is this machine and speaks for nobody else. */
  readonly isLoopback: boolean
}

/** Whose call it is: the holder of a key, or everybody on this computer while none is needed. */
export interface Holder {
  readonly principal: PrincipalName
  readonly team: string | null
  /** May watch the whole server. */
  readonly isOperator: boolean
}

/** Whoever calls from this computer without a key: its owner. */
export const localHolder: Holder = { principal: localPrincipal, team: null, isOperator: true }

const clientPattern = /^[A-Za-z0-9._~-]{8,128}$/
const labelCharsMax = 80
const rootCharsMax = 4096

/**
 * Identity of a caller. Throws `CallFailure` `bad-request` for a malformed `x-exai-client`: two windows must never be
 * merged in silence.
 */
export function identify(facts: CallerFacts, holder: Holder = localHolder): Identity {
  const client = clientOf(facts)
  return {
    team: holder.team,
    principal: holder.principal,
    client,
    label: labelOf(facts, client),
    root: facts.isLoopback ? rootOf(facts.rootHeader) : null,
    isLocal: facts.isLoopback,
    isOperator: holder.isOperator,
  }
}

function clientOf(facts: CallerFacts): ClientId | null {
  if (facts.clientHeader !== undefined) {
    if (!clientPattern.test(facts.clientHeader)) {
      throw new CallFailure('bad-request', {
        message:
          'The x-exai-client header must be 8 to 128 letters, digits, dots, dashes or underscores, as `exai id` prints it. Use headersHelper "exai id" or leave the header out.',
      })
    }
    return facts.clientHeader as ClientId
  }
  if (facts.connectionId !== undefined) return clientOfConnection(facts.connectionId)
  if (facts.sessionId !== undefined) return `session:${facts.sessionId}` as ClientId
  return null
}

function labelOf(facts: CallerFacts, client: ClientId | null): string {
  const claimed = decode(facts.labelHeader)

  const clean = claimed?.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ').trim()
  if (clean) return clean.slice(0, labelCharsMax)
  const program = facts.programName?.slice(0, 40) || 'client'
  return client === null ? program : `${program} ${client.slice(-6)}`
}

function rootOf(header: string | undefined): string | null {
  const root = decode(header)
  if (!root || root.length > rootCharsMax || root.includes('\0')) return null
  return root
}

function decode(value: string | undefined): string | null {
  if (value === undefined || value.length > 3 * rootCharsMax) return null
  try {
    return decodeURIComponent(value)
  } catch (error) {
    if (error instanceof URIError) return value
    throw error
  }
}
