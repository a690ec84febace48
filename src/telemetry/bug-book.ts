// What should never happen, counted by how it came to us, and told at a bounded rate: a flood from one place of the code is one line a
// minute, which says how many it stands for. The counts are exact. Writes nothing itself.

import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'

/**
 * How a bug came to us: caught where others would have suffered by it, caught by the surface of MCP, or by nobody: a promise
 * (`unhandled-rejection`) or a throw (`uncaught-exception`).
 */
export type BugKind = 'bug' | 'surface-failed' | 'unhandled-rejection' | 'uncaught-exception'

const tellEveryMs = 60_000
// Each is a place of our code: there are not many.
const placesMax = 64
const frames = 2

interface Place {
  readonly toldAt: number
  untold: number
}

/** A fold over bugs. */
export class BugBook {
  readonly #clock: Clock
  readonly #totals = new Map<BugKind, number>()
  readonly #places = new BoundedMap<string, Place>(placesMax)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts one. Answers how many like it went untold since the last one that was told; null: this one is to go untold too. */
  add(kind: BugKind, error: unknown): number | null {
    this.#totals.set(kind, (this.#totals.get(kind) ?? 0) + 1)
    const key = `${kind} ${placeOf(error)}`
    const place = this.#places.get(key)
    const now = this.#clock.now()
    // A process survives no two of them, and each may be the last thing it says.
    if (kind !== 'uncaught-exception' && place !== undefined && now - place.toldAt < tellEveryMs) {
      place.untold++
      return null
    }
    this.#places.set(key, { toldAt: now, untold: 0 })
    return place?.untold ?? 0
  }

  /** Totals since the start, by kind. */
  totals(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#totals)
  }
}

// Messages carry names and numbers, of which there is no end; where an error was made is one of our lines.
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const lines = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return `${error.name} ${lines.slice(0, frames).join('')}`
}
