// The lot of a conversation: what leaves its way to chance, and yet is the same each time.

import { createHash } from 'node:crypto'

/** An even lot between 0 and 1 (neither is drawn), always the same for a conversation and a place: a group, an endpoint. */
export function conversationLot(conversation: string, place: string): number {
  const digest = createHash('sha256').update(`${conversation}\n${place}`).digest()
  return (digest.readUIntBE(0, 6) + 1) / (2 ** 48 + 1)
}
