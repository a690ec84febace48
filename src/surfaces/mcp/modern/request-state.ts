// `requestState`: what a client carries for us from one round of a request to the next. Sealed, and good only for the same
// principal, client, method and parameters, and for a while: whatever else is sent is refused in the same words. Not bound to a
// connection: the next round may come by another one.

import { createHash } from 'node:crypto'
import { type Identity, lastingKey } from '../../../domain/identity.ts'
import type { PrincipalName } from '../../../domain/ids.ts'
import type { Clock } from '../../../lib/clock.ts'
import { SealedTokens, type SealSecrets } from '../../../lib/sealed-token.ts'
import { isObject, type JsonObject, type RequestEnvelope } from '../envelope.ts'
import { fingerprintOf, type HeldKey, isOfAnotherKey } from '../key-fingerprint.ts'

/** What the states depend on. */
export interface RequestStateOptions {
  readonly clock: Clock
  readonly secrets: SealSecrets
  /** The key that a principal holds now: states made under another one are another holder's. */
  readonly keyOf: (principal: PrincipalName) => HeldKey
}

/** A question by its key: what was asked, as a digest, and the answer once it is known. */
export interface AskedQuestion {
  readonly digest: string
  readonly answer?: unknown
}

/** What a state says. */
export interface RoundState {
  /** Rounds that have been, from 1. */
  readonly round: number
  readonly questions: ReadonlyMap<string, AskedQuestion>
}

const lifeMs = 900_000
// A whole round of answers, in base64.
const charsMax = 1_500_000

/** Seals and opens states. */
export class RequestStates {
  readonly #options: RequestStateOptions
  readonly #sealed: SealedTokens

  constructor(options: RequestStateOptions) {
    this.#options = options
    this.#sealed = new SealedTokens(options.secrets, 'mcp request state', charsMax)
  }

  /** A state for the retry of this request by this caller. */
  seal(state: RoundState, request: RequestEnvelope, identity: Identity): string {
    const questions = [...state.questions].map(([key, { digest, answer }]) =>
      answer === undefined ? [key, digest] : [key, digest, answer],
    )
    const { clock, keyOf } = this.#options
    const payload = JSON.stringify([
      clock.wallMs(),
      state.round,
      questions,
      fingerprintOf(keyOf(identity.principal)),
    ])
    return this.#sealed.seal(payload, holder(request, identity))
  }

  /** What a state says; null: it is none of ours, not for this request or caller, or too old. */
  open(token: string, request: RequestEnvelope, identity: Identity): RoundState | null {
    const payload = this.#sealed.open(token, holder(request, identity))
    if (payload === null) return null
    // What we sealed ourselves has the shape that we gave it.
    const [issuedAtMs, round, questions, fingerprint] = JSON.parse(payload) as readonly [
      number,
      number,
      readonly (readonly [string, string, unknown?])[],
      (string | null)?,
    ]
    const { clock, keyOf } = this.#options
    if (issuedAtMs + lifeMs <= clock.wallMs()) return null
    if (isOfAnotherKey(keyOf(identity.principal), fingerprint, issuedAtMs)) return null
    return {
      round,
      questions: new Map(
        questions.map(([key, digest, answer]) => [
          key,
          answer === undefined ? { digest } : { digest, answer },
        ]),
      ),
    }
  }
}

/** A digest of a value, whatever the order of its members. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(inOrder(value)).digest('base64url')
}

function holder(request: RequestEnvelope, identity: Identity): readonly string[] {
  const { _meta, inputResponses, requestState, ...own } = request.params
  return [lastingKey(identity), request.method, digestOf(own)]
}

// The depth of what comes from outside is bounded by the envelope.
function inOrder(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inOrder).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value) ?? 'null'
  const members: JsonObject = value
  const keys = Object.keys(members)
    .filter((key) => members[key] !== undefined)
    .sort()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${inOrder(members[key])}`).join(',')}}`
}
