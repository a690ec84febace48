// The memory that messages take which have come in part: bounded in all, and for each principal, so that whoever opens many
// connections and never finishes what they say on them is told no, and leaves room for others. Counts; who is told, and how, is for
// whoever reads.

import { assert } from '../lib/assert.ts'

/** Bounds, in bytes. */
export interface PartialBodiesLimits {
  readonly partialBytesMax: number
  readonly partialBytesPerPrincipalMax: number
}

// What the engine keeps for each part beside its bytes: four million parts of one byte are no four megabytes.
const bytesPerPart = 256

/** One message on its way. */
export interface PartialBody {
  /**
   * From now on so much of it is here, in so many parts. Answers null, or why there is no room, as a sentence: then what was held before
   * stays counted until `release`.
   */
  hold(bytes: number, parts: number): string | null
  /** It is complete, or given up. May be called again. */
  release(): void
}

/** All of them. Bounded by the connections there are: each brings one message at a time. */
export class PartialBodies {
  readonly #limits: PartialBodiesLimits
  /** Bytes by principal; who holds nothing is not in it. */
  readonly #held = new Map<string, number>()
  #bytes = 0

  constructor(limits: PartialBodiesLimits) {
    this.#limits = limits
  }

  /** What all hold. */
  get bytes(): number {
    return this.#bytes
  }

  /** The next message of this principal. `onRefused` is told each time there was no room for it. */
  open(principal: string, onRefused: () => void): PartialBody {
    let own = 0
    return {
      hold: (bytes, parts) => {
        const wanted = bytes + parts * bytesPerPart
        const why = this.#add(principal, wanted - own)
        if (why === null) own = wanted
        else onRefused()
        return why
      },
      release: () => {
        this.#add(principal, -own)
        own = 0
      },
    }
  }

  #add(principal: string, bytes: number): string | null {
    const { partialBytesMax, partialBytesPerPrincipalMax } = this.#limits
    const held = (this.#held.get(principal) ?? 0) + bytes
    if (bytes > 0 && held > partialBytesPerPrincipalMax) {
      return `What this key has sent of unfinished messages fills its ${partialBytesPerPrincipalMax} bytes. Try again in a moment.`
    }
    if (bytes > 0 && this.#bytes + bytes > partialBytesMax) {
      return `Unfinished messages fill the server's ${partialBytesMax} bytes for them. Try again in a moment.`
    }
    assert(held >= 0, 'what is let go was held')
    this.#bytes += bytes
    if (held === 0) this.#held.delete(principal)
    else this.#held.set(principal, held)
    return null
  }
}
