// Cooldown: "come back at t", as a vendor said it or as a ladder guesses it. Kept per quota group and model, so that one busy
// model never closes an account's others. Within one incident `until` only grows; it never grows past the vendor's own time.

import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'

/** Collaborators. */
export interface CooldownsOptions {
  readonly clock: Clock
  readonly random: Random
}

interface Cooling {
  until: number
  /** Rungs climbed without a hint of the vendor. */
  rung: number
}

const ladderMsFirst = 1_000
const ladderMsMax = 60_000
const coolingsMax = 1_024
// A ladder is forgotten when nobody was sent away for so long.
const forgetMs = 600_000

/** All cooldowns. Keys are for the room to choose: group and model, joined. */
export class Cooldowns {
  readonly #options: CooldownsOptions
  readonly #coolings = new BoundedMap<string, Cooling>(coolingsMax)

  constructor(options: CooldownsOptions) {
    this.#options = options
  }

  /**
   * The vendor sent an attempt away, for `hintMs` if it said so. Answers until when (monotonic milliseconds). Many attempts
   * refused at once are one incident: they climb one rung, not one each.
   */
  cool(key: string, hintMs: number | null): number {
    const now = this.#options.clock.now()
    const known = this.#coolings.get(key)
    const cooling = known && now - known.until < forgetMs ? known : { until: now, rung: 0 }
    if (hintMs === null && now >= cooling.until) cooling.rung++
    const ladderMs = Math.min(ladderMsFirst * 2 ** Math.max(0, cooling.rung - 1), ladderMsMax)
    // The jitter only delays: who comes back before the vendor's time is sent away again.
    const waitMs = (hintMs ?? ladderMs) * (1 + 0.1 * this.#options.random())
    cooling.until = Math.max(cooling.until, now + waitMs)
    this.#coolings.set(key, cooling)
    return cooling.until
  }

  /** An attempt went well: the next incident begins at the ladder's foot. A running cooldown stays. */
  succeeded(key: string): void {
    const cooling = this.#coolings.get(key)
    if (cooling && this.#options.clock.now() >= cooling.until) this.#coolings.delete(key)
  }

  /** Milliseconds left; 0 when there is none. */
  waitMs(key: string): number {
    return Math.max(0, (this.#coolings.get(key)?.until ?? 0) - this.#options.clock.now())
  }

  /** What is cooling, with the milliseconds left. */
  inspect(): Readonly<Record<string, number>> {
    const now = this.#options.clock.now()
    return Object.fromEntries(
      [...this.#coolings.entries()]
        .filter(([, { until }]) => until > now)
        .map(([key, { until }]) => [key, Math.round(until - now)]),
    )
  }
}
