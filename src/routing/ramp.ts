// How an endpoint gets its work back after a fault: a tenth of the jobs that somebody else would start now as well, a quarter, half, then
// all, so that what has just recovered is not broken again by all who waited for it. It decides for an endpoint, never between accounts
// behind one: they broke together and come back together. Who would have to wait elsewhere is not kept out; slots bound those.

import type { Clock } from '../lib/clock.ts'

const steps: readonly number[] = [0.1, 0.25, 0.5, 1]
const stepMs = 15_000

/** The way back of one endpoint and model. */
export class Ramp {
  readonly #clock: Clock
  #begunAt: number | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** It came back from a fault: at its foot again. */
  begin(): void {
    this.#begunAt = this.#clock.now()
  }

  /** The share of its jobs that it may get now: 0.1, 0.25 and 0.5 for fifteen seconds each, else 1. */
  get share(): number {
    if (this.#begunAt === null) return 1
    return steps[Math.floor((this.#clock.now() - this.#begunAt) / stepMs)] ?? 1
  }
}
