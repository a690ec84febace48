// For how long nothing has come from an endpoint, whoever asked it: the time in which at least one attempt was out there, since the last
// part that anybody heard. One short attempt says nothing of a vendor; many of them, and nobody who has heard a word, do. Time in which
// nobody asked is no silence.

import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'

interface Quiet {
  /** Attempts on their way. */
  out: number
  /** From when the present stretch counts. */
  since: number
  /** Of the stretches before. */
  silentMs: number
}

/** How long a vendor may be silent to everybody; absent or undefined: no limit of that kind. */
export interface SilenceLimits {
  /** What the calls that may take longest take, in milliseconds. */
  readonly longestCallMs?: number | undefined
  /** How long a provider may take to its first part, at most. */
  firstTokenMs?(provider: string): number | undefined
}

/** What one attempt tells of its endpoint. */
export interface EndpointEar {
  /** Something came: whatever was silent before, it speaks. */
  heard(): void
  /** The attempt is over; to be called once. Answers whether the endpoint has been silent to everybody for as long as it may be. */
  end(): boolean
}

const endpointsMax = 1_024
// Of the longest call. An attempt with another after it gets two thirds of its call; a little of that went by in a queue.
const hangShare = 0.6

/** The silence of all endpoints. */
export class SilenceWatch {
  readonly #clock: Clock
  readonly #limits: SilenceLimits
  readonly #quiets = new BoundedMap<string, Quiet>(endpointsMax)

  constructor(clock: Clock, limits: SilenceLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /** An attempt at a provider's endpoint begins. */
  listen(key: string, provider: string): EndpointEar {
    const quiet = this.#of(key)
    if (quiet.out === 0) quiet.since = this.#clock.now()
    quiet.out++
    return {
      heard: () => this.#restart(quiet),
      end: () => {
        const now = this.#clock.now()
        quiet.silentMs += now - quiet.since
        quiet.since = now
        quiet.out--
        return quiet.silentMs >= this.#limitMs(provider)
      },
    }
  }

  /** Forgets what was: its next silence is judged by itself. */
  restart(key: string): void {
    this.#restart(this.#of(key))
  }

  #limitMs(provider: string): number {
    const { longestCallMs = Number.POSITIVE_INFINITY } = this.#limits
    return Math.min(this.#limits.firstTokenMs?.(provider) ?? longestCallMs, longestCallMs * hangShare)
  }

  #of(key: string): Quiet {
    return this.#quiets.getOrCreate(key, () => ({ out: 0, since: 0, silentMs: 0 }))
  }

  #restart(quiet: Quiet): void {
    quiet.silentMs = 0
    quiet.since = this.#clock.now()
  }
}
