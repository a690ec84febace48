// Decides whose call it is: the holder of the key that was sent, or, where none is needed, `local`. While the file of keys has
// never held one, everybody on this computer is `local` and nobody else is let in; from the first key on everybody sends one, also
// when all have been revoked since. Says no by throwing, never with anything of what was sent.

import { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import type { PrincipalName } from '../domain/ids.ts'
import { type CallerFacts, type Holder, identify, localHolder } from './identify.ts'
import type { KeyRecord } from './key-file.ts'
import type { KeyRing } from './key-ring.ts'

/** Identity of callers, by the keys in force. */
export class Callers {
  readonly #keys: Pick<KeyRing, 'find' | 'of' | 'isEmpty'>
  readonly #isLoopbackOpen: boolean

  /** `isLoopbackOpen`: callers on this computer need no key even when others do. */
  constructor(keys: Pick<KeyRing, 'find' | 'of' | 'isEmpty'>, isLoopbackOpen: boolean) {
    this.#keys = keys
    this.#isLoopbackOpen = isLoopbackOpen
  }

  /** Whether callers on this computer must send a key. */
  get needsKey(): boolean {
    return !this.#keys.isEmpty && !this.#isLoopbackOpen
  }

  /** Throws `CallFailure` `unauthenticated` with a sentence for whoever may not call. */
  holderOf({ authorization, isLoopback }: CallerFacts): Holder {
    if (this.#keys.isEmpty && isLoopback) return localHolder
    if (authorization === undefined) {
      if (isLoopback && this.#isLoopbackOpen) return localHolder
      throw no(this.#keys.isEmpty ? sentences.noKeys : sentences.missing)
    }
    const token = /^bearer +(\S+) *$/i.exec(authorization)?.[1]
    const finding = this.#keys.find(token ?? '')
    if (finding.kind !== 'known') throw no(sentences[finding.kind])
    const { name, team } = finding.key
    return { principal: name as PrincipalName, team, isOperator: isOperators(finding.key) }
  }

  /** As `holderOf` and `identify` throw. */
  identify(facts: CallerFacts): Identity {
    return identify(facts, this.holderOf(facts))
  }

  /**
   * The same caller as its key says of it now: a connection outlives the terms it was opened under, and whoever was moved to
   * another team must not go on under the old one's limits, nor read what is kept for it. Cheap: it stands before every call.
   */
  present(identity: Identity): Identity {
    const key = this.#keys.of(identity.principal)
    // `local` has none; what a revoked one opened is being closed.
    if (key === null) return identity
    const isOperator = isOperators(key)
    if (key.team === identity.team && isOperator === identity.isOperator) return identity
    return { ...identity, team: key.team, isOperator }
  }
}

function isOperators({ scope }: KeyRecord): boolean {
  return scope === 'operator'
}

const sentences = {
  missing:
    'This server needs a key: send it as "Authorization: Bearer exai_...". Whoever runs the server makes one with: exai key add NAME',
  noKeys:
    'Callers from other computers, or through a proxy, need a key, and this server has none yet. Whoever runs it makes one with: exai key add NAME',
  malformed:
    'The Authorization header holds no key of this server: it must be "Bearer", a space, and exai_ with 49 letters and digits. Copy the key again, whole.',
  unknown:
    'This server does not know the key that was sent. Whoever runs it makes another with: exai key add NAME',
  revoked:
    'The key that was sent has been revoked. Whoever runs this server makes another with: exai key add NAME',
} as const

/** What a running call hears when its key is revoked. */
export function revokedFailure(): CallFailure {
  return no(sentences.revoked)
}

function no(message: string): CallFailure {
  return new CallFailure('unauthenticated', { message })
}
