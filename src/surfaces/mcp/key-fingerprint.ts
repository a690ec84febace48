// Under which key a sealed token was made. What it is bound to names its principal, but the name of a revoked key may get another one,
// whose holder is somebody else. A time would not tell the two apart where a clock was wrong.

import type { KeyRecord } from '../../principals/key-file.ts'

/** The key that a principal holds; null for `local`, which has none. */
export type HeldKey = Pick<KeyRecord, 'digest' | 'createdAt'> | null

const digestChars = 16

/** What a token keeps of the key that it is made under. */
export function fingerprintOf(key: HeldKey): string | null {
  return key === null ? null : key.digest.slice(0, digestChars)
}

/** Whether a token was made under another key than this one. Those of older builds have no fingerprint: of them the time tells. */
export function isOfAnotherKey(key: HeldKey, fingerprint: unknown, issuedAtMs: number): boolean {
  if (fingerprint !== undefined) return fingerprint !== fingerprintOf(key)
  return key !== null && issuedAtMs < Date.parse(key.createdAt)
}
