// A token that we hand out and get back: nobody else can read it, change it, or use it for what it was not made for. Holds no
// state: any process with the same secrets opens it. What it is bound to is authenticated and not carried, so that a token in
// foreign hands fails exactly as one that was tampered with. Ages are the payload's business.
//
//   base64url( secret's id 4 | nonce 12 | AES-256-GCM ciphertext | tag 16 )

import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'

/** 256 bits from which every purpose derives a key of its own. `id` is public and tells it from its predecessors. */
export interface SealSecret {
  readonly id: number
  readonly bytes: Uint8Array
}

/** The secrets in force at this moment. */
export interface SealSecrets {
  /** The one that seals. */
  newest(): SealSecret
  /** One that still opens; null when it is not ours, or no longer. */
  find(id: number): SealSecret | null
  /** Has `tell` run each time that some of them open no longer. Absent: that never happens. */
  whenForgotten?(tell: () => void): void
}

const idBytes = 4
// Six bytes: the id is in them.
const idChars = 8
// 96 random bits: one secret may seal 2^32 tokens before two nonces are likelier to meet than one in 2^33.
const nonceBytes = 12
const tagBytes = 16
const headBytes = idBytes + nonceBytes
const charsMaxDefault = 8_192

/** Seals and opens the tokens of one purpose. */
export class SealedTokens {
  readonly #secrets: SealSecrets
  readonly #purpose: string
  readonly #charsMax: number
  /** Derived keys live as long as their secret: deriving costs more than sealing, and so does importing plain bytes each time. */
  readonly #keys = new WeakMap<SealSecret, KeyObject>()

  /** `purpose`: tokens of another one never open here. `charsMax`: longer ones are not looked at; default 8,192. */
  constructor(secrets: SealSecrets, purpose: string, charsMax: number = charsMaxDefault) {
    this.#secrets = secrets
    this.#purpose = purpose
    this.#charsMax = charsMax
  }

  /** A token that opens only for the same `boundTo`. */
  seal(payload: string, boundTo: readonly string[]): string {
    const secret = this.#secrets.newest()
    const head = Buffer.allocUnsafe(headBytes)
    head.writeUInt32BE(secret.id)
    randomBytes(nonceBytes).copy(head, idBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#keyOf(secret), head.subarray(idBytes))
    cipher.setAAD(additional(secret.id, boundTo))
    const body = cipher.update(payload, 'utf8')
    cipher.final()
    return Buffer.concat([head, body, cipher.getAuthTag()]).toString('base64url')
  }

  /** The payload, or null: not ours, not whole, sealed under a secret that is gone, or bound to somebody else. Never throws. */
  open(token: string, boundTo: readonly string[]): string | null {
    if (token.length > this.#charsMax) return null
    const bytes = Buffer.from(token, 'base64url')
    // Decoding forgives what encoding never makes: one token must have one spelling.
    if (bytes.length < headBytes + tagBytes || bytes.toString('base64url') !== token) return null
    const named = this.#secrets.find(bytes.readUInt32BE(0))
    // A secret that is not known costs the same work as one that is.
    const key = this.#keyOf(named ?? this.#secrets.newest())
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(idBytes, headBytes), {
      authTagLength: tagBytes,
    })
    decipher.setAAD(additional(bytes.readUInt32BE(0), boundTo))
    decipher.setAuthTag(bytes.subarray(-tagBytes))
    const payload = decipher.update(bytes.subarray(headBytes, -tagBytes), undefined, 'utf8')
    try {
      const whole = payload + decipher.final('utf8')
      return named === null ? null : whole
    } catch {
      // The one thing `final` says by throwing: the tag does not fit.
      return null
    }
  }

  /** Whether the secret that a token of ours was sealed under still opens. Says nothing else of the token. */
  isInForce(token: string): boolean {
    return this.#secrets.find(Buffer.from(token.slice(0, idChars), 'base64url').readUInt32BE(0)) !== null
  }

  #keyOf(secret: SealSecret): KeyObject {
    let key = this.#keys.get(secret)
    if (key === undefined) {
      key = createSecretKey(new Uint8Array(hkdfSync('sha256', secret.bytes, '', this.#purpose, 32)))
      this.#keys.set(secret, key)
    }
    return key
  }
}

// The id stands in it too: a token whose id was changed must not open under the secret that it is tried with.
function additional(id: number, boundTo: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify([id, ...boundTo]))
}
