// When to knock at the server again: ever more slowly, never more slowly than every five seconds, and not in step with the
// other windows.

import type { Random } from '../lib/random.ts'

const baseMs = 200
const ceilingMs = 5_000
const steadyMs = 5_000

/** Counts attempts; times in milliseconds. */
export class Backoff {
  readonly #random: Random
  #attempts = 0
  #readyAt: number | null = null

  constructor(random: Random) {
    this.#random = random
  }

  /** No attempt has failed since the last steady connection. */
  get isFirst(): boolean {
    return this.#attempts === 0
  }

  /** The connection serves. */
  ready(now: number): void {
    this.#readyAt = now
  }

  /** The connection is gone. */
  closed(now: number): void {
    // A server that takes us and throws us out at once is not knocked at faster than one that is down.
    if (this.#readyAt !== null && now - this.#readyAt >= steadyMs) this.#attempts = 0
    this.#readyAt = null
  }

  /** How long to wait before the next attempt. */
  next(): number {
    const ceiling = Math.min(ceilingMs, baseMs * 2 ** Math.min(this.#attempts, 10))
    this.#attempts++
    // Half fixed, half by chance: all windows of a restarted server must not knock at once.
    return ceiling / 2 + (ceiling / 2) * this.#random()
  }
}
