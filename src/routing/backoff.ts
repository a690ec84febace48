// How long to wait before the same target is tried again: full jitter, so that many callers hurt by one fault do not come back
// together.

import type { Random } from '../lib/random.ts'

const baseMs = 250
const capMs = 8_000

/** A uniform wait in [0, min(8 s, 250 ms * 2^retry)]; `retry` counts from 0. */
export function backoffMs(retry: number, random: Random): number {
  return random() * Math.min(capMs, baseMs * 2 ** retry)
}
