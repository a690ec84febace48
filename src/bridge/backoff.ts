// When to knock at the server again: ever more slowly, never more slowly than every five seconds, and not in step with the
// other windows. At a server that bars us hardly ever, for a person has to do something first; but soon when somebody waits for it.

import type { Clock, Timer } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'

const baseMs = 200
const ceilingMs = 5_000
const steadyMs = 5_000
const barredMs = 60_000
const hurryMs = 1_000

/** Counts attempts, and knocks in its time. */
export class Backoff {
  readonly #clock: Clock
  readonly #random: Random
  readonly #knock: () => void
  #attempts = 0
  #readyAt: number | null = null
  #timer: Timer | null = null
  #isResting = false

  constructor(clock: Clock, random: Random, knock: () => void) {
    this.#clock = clock
    this.#random = random
    this.#knock = knock
  }

  /** No attempt has failed since the last steady connection. */
  get isFirst(): boolean {
    return this.#attempts === 0
  }

  /** The connection serves. */
  ready(): void {
    this.#readyAt = this.#clock.now()
  }

  /** The connection is gone. */
  closed(): void {
    // A server that takes us and throws us out at once is not knocked at faster than one that is down.
    if (this.#readyAt !== null && this.#clock.now() - this.#readyAt >= steadyMs) this.#attempts = 0
    this.#readyAt = null
  }

  /** Knocks in a while; `isBarred`: it will hardly be of use. */
  again(isBarred: boolean): void {
    const ceiling = isBarred ? barredMs : Math.min(ceilingMs, baseMs * 2 ** Math.min(this.#attempts, 10))
    this.#attempts++
    this.#isResting = isBarred
    // Half fixed, half by chance: all windows of a restarted server must not knock at once.
    this.#after(ceiling / 2 + (ceiling / 2) * this.#random())
  }

  /** Somebody waits to be let in: whether we are still barred is asked soon. */
  hurry(): void {
    if (!this.#isResting) return
    this.#timer?.cancel()
    this.#isResting = false
    this.#after(hurryMs)
  }

  /** Knocks no more. */
  stop(): void {
    this.#timer?.cancel()
    this.#isResting = false
  }

  #after(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      this.#isResting = false
      this.#knock()
    })
  }
}
