// What a file of marks holds: slots of 32 bytes, each free or one call's.
//
//   slot: 24 bytes of sha256(principal, key), zeros when free; then when it was cut, zero while its process has it at a vendor
//
// Knows bytes, nothing of files and processes.

import { hash } from 'node:crypto'

const keyBytes = 24
/** Of a file: what is beyond was never ours. */
const fileBytesMax = 1_048_576
const noKey = Buffer.alloc(keyBytes)

/** The size of a slot. */
export const slotBytes = 32

/** The bytes of a slot that holds nothing. */
export const freeSlot: Buffer = Buffer.alloc(slotBytes)

/** What is kept of a principal and the key of its call, in base64: neither can be read from it. */
export function markKey(principal: string, key: string): string {
  return hash('sha256', `${principal}\n${key}`, 'buffer').subarray(0, keyBytes).toString('base64')
}

/** The bytes of a mark. `cutAtMs`: milliseconds since the epoch; 0: its call runs. */
export function slotOf(markKey: string, cutAtMs: number): Buffer {
  const slot = Buffer.alloc(slotBytes)
  slot.write(markKey, 'base64')
  slot.writeDoubleLE(cutAtMs, keyBytes)
  return slot
}

/** The marks of a file, whatever else stands in it. null: the call runs, if its process does. */
export function* readMarks(file: Buffer): Generator<readonly [key: string, cutAtMs: number | null]> {
  const end = Math.min(file.length, fileBytesMax)
  for (let at = 0; at + slotBytes <= end; at += slotBytes) {
    const key = file.subarray(at, at + keyBytes)
    if (key.equals(noKey)) continue
    const cutAtMs = file.readDoubleLE(at + keyBytes)
    yield [key.toString('base64'), cutAtMs === 0 ? null : cutAtMs]
  }
}
