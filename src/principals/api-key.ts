// The form of an API key: `exai_`, 256 random bits, and a checksum, so that a key is recognised in a leak, a typing error is
// told from a revoked key, and nothing need be looked up for nonsense. Only its SHA-256 is ever stored: with 256 random bits
// there is nothing a slow hash would protect.

import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** A key as it is shown once, and what is kept of it. */
export interface MintedKey {
  readonly key: string
  /** SHA-256 of the key, hex. */
  readonly digest: string
}

const prefix = 'exai_'
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
// 62^43 > 2^256 > 62^42, and 62^6 > 2^32 > 62^5.
const secretChars = 43
const checksumChars = 6
const pattern = new RegExp(`^${prefix}[0-9A-Za-z]{${secretChars + checksumChars}}$`)

/** Makes a new key from the machine's random source. */
export function mintKey(): MintedKey {
  const secret = toBase62(BigInt(`0x${randomBytes(32).toString('hex')}`), secretChars)
  const key = `${prefix}${secret}${checksum(secret)}`
  return { key, digest: digestOf(key) }
}

/** The digest of a well-formed key; null for anything else, however long. */
export function keyDigest(text: string): string | null {
  if (!pattern.test(text)) return null
  const secret = text.slice(prefix.length, prefix.length + secretChars)
  return text.endsWith(checksum(secret)) ? digestOf(text) : null
}

function checksum(secret: string): string {
  return toBase62(BigInt(crc32(secret)), checksumChars)
}

function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

function toBase62(value: bigint, chars: number): string {
  let rest = value
  let text = ''
  for (let i = 0; i < chars; i++) {
    text = (alphabet[Number(rest % 62n)] ?? '') + text
    rest /= 62n
  }
  return text
}
