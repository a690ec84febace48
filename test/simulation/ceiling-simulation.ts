// A vendor with a cap that nobody told us, and endless demand behind the real ceiling, in virtual time.

import type { Ceiling } from '../../src/admission/ceiling.ts'
import type { Random } from '../../src/lib/random.ts'

/** What is simulated; times in milliseconds. */
export interface CeilingSimulation {
  /** The vendor's cap at a time. */
  capAt(now: number): number
  readonly untilMs: number
  readonly random: Random
  /** Counts from here on; 0 when absent. */
  readonly countFromMs?: number
  /** Called after every step. */
  watch?(state: {
    readonly now: number
    readonly inFlight: number
    readonly limit: number
    readonly wasRefused: boolean
  }): void
}

/** Shares of 1. */
export interface CeilingResult {
  /** Slots used of those that the vendor had. */
  readonly used: number
  /** Attempts that it refused. */
  readonly refused: number
}

const stepMs = 50

/** Runs it to its end, in steps of 50 ms. A refused job waits as in a quota group: 250 ms, doubled, jittered. */
export function simulateCeiling(ceiling: Ceiling, options: CeilingSimulation): CeilingResult {
  const { random, countFromMs = 0 } = options
  let ends: number[] = []
  let pausedUntil = 0
  let [used, there, refusals, attempts] = [0, 0, 0, 0]
  for (let now = 0; now < options.untilMs; now += stepMs) {
    const before = ends.length
    ends = ends.filter((end) => end > now)
    for (let ended = ends.length; ended < before; ended++) ceiling.succeeded()
    const cap = options.capAt(now)
    const isCounted = now >= countFromMs
    let wasRefused = false
    while (now >= pausedUntil && (ends.length < ceiling.limit || ceiling.probe(ends.length, now) === 0)) {
      if (isCounted) attempts++
      if (ends.length < cap) {
        ends.push(now + 5000 + random() * 10_000)
        continue
      }
      wasRefused = true
      if (isCounted) refusals++
      ceiling.refused(ends.length, now)
      pausedUntil = now + ceiling.pauseMs * (0.5 + random() / 2)
    }
    ceiling.loaded(ends.length, now)
    options.watch?.({ now, inFlight: ends.length, limit: ceiling.limit, wasRefused })
    if (isCounted) {
      used += Math.min(ends.length, cap)
      there += cap
    }
  }
  return { used: used / there, refused: attempts === 0 ? 0 : refusals / attempts }
}
