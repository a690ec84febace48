// Chance as a collaborator: jitter and dice are passed in, so a simulation can print its seed and be repeated.

/** Uniform numbers in [0, 1). */
export type Random = () => number

/** The machine's dice. Not for secrets: those come from `node:crypto`. */
export const systemRandom: Random = Math.random

/** Repeatable dice (mulberry32): the same seed gives the same sequence on every machine. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
