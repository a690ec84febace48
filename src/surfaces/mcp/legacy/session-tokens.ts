// The id of a 2025-era session: a sealed token that says all we must know of its client, so that any process with the same
// secret serves it, after a restart too. Bound to the principal and to the `x-exai-client` it was opened with, good for a fixed
// time, and dead once the principal holds another key. Of its capabilities it keeps what anybody here looks at, however many words the
// client made of it: the header stays short.

import { createHash } from 'node:crypto'
import type { PrincipalName } from '../../../domain/ids.ts'
import type { Clock } from '../../../lib/clock.ts'
import { SealedTokens } from '../../../lib/sealed-token.ts'
import { declaredIn } from '../asking/questions.ts'
import { isObject } from '../envelope.ts'
import { fingerprintOf, isOfAnotherKey } from '../key-fingerprint.ts'
import type { SessionLife } from '../mcp-options.ts'
import { legacyVersions } from '../protocol-versions.ts'
import type { Negotiated } from './negotiation.ts'

/** What the tokens depend on. */
export interface SessionTokenOptions extends Omit<SessionLife, 'records'> {
  readonly clock: Clock
}

/** A session's names: the secret one, and one that may be shown and opens nothing. Times: milliseconds since the epoch. */
export interface SessionNames {
  readonly token: string
  readonly shownId: string
  readonly issuedAtMs: number
  readonly expiresAtMs: number
}

/** What a token said. */
export interface OpenedToken extends SessionNames {
  readonly said: Negotiated
}

const programNameCharsMax = 64

/** Makes and opens session ids. */
export class SessionTokens {
  readonly #options: SessionTokenOptions
  readonly #sealed: SealedTokens

  constructor(options: SessionTokenOptions) {
    this.#options = options
    this.#sealed = new SealedTokens(options.secrets, 'mcp session', 2_048)
  }

  /** A fresh token for whoever initialises. */
  mint(said: Negotiated, principal: PrincipalName, clientHeader: string | undefined): SessionNames {
    const issuedAtMs = this.#options.clock.wallMs()
    const { version, capabilities, programName } = said
    // What is added comes last, and older builds leave it unread: two of them may stand over one folder.
    const payload = JSON.stringify([
      issuedAtMs,
      version,
      declaredIn(capabilities),
      programName?.slice(0, programNameCharsMax) ?? null,
      fingerprintOf(this.#options.keyOf(principal)),
    ])
    return this.#names(this.#sealed.seal(payload, holder(principal, clientHeader)), issuedAtMs)
  }

  /** What a token says, if it is this principal's and this client's and still good; null for everything else. */
  open(token: string, principal: PrincipalName, clientHeader: string | undefined): OpenedToken | null {
    const payload = this.#sealed.open(token, holder(principal, clientHeader))
    if (payload === null) return null
    const parts: unknown = JSON.parse(payload)
    if (!Array.isArray(parts)) return null
    const [issuedAtMs, version, capabilities, programName, fingerprint] = parts as readonly unknown[]
    // A version that this build does not speak any more ends the session as its age does.
    if (typeof issuedAtMs !== 'number' || typeof version !== 'string' || !isObject(capabilities)) return null
    if (!legacyVersions.includes(version)) return null
    if (isOfAnotherKey(this.#options.keyOf(principal), fingerprint, issuedAtMs)) return null
    const names = this.#names(token, issuedAtMs)
    if (names.expiresAtMs <= this.#options.clock.wallMs()) return null
    return {
      ...names,
      said: { version, capabilities, programName: typeof programName === 'string' ? programName : undefined },
    }
  }

  /** Whether the secret of a token that was good still opens. */
  isInForce(token: string): boolean {
    return this.#sealed.isInForce(token)
  }

  #names(token: string, issuedAtMs: number): SessionNames {
    const shownId = createHash('sha256').update(token).digest('base64url').slice(0, 22)
    return { token, shownId, issuedAtMs, expiresAtMs: issuedAtMs + this.#options.lifeMs }
  }
}

function holder(principal: PrincipalName, clientHeader: string | undefined): readonly string[] {
  return clientHeader === undefined ? [principal] : [principal, clientHeader]
}
