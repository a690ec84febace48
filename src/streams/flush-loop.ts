// Who writes next, when many sockets have more to say than goes out at once: classes strictly, control before results before
// progress, and within a class a deficit round robin between sockets, so that a long result costs its neighbours one quantum,
// not its length. Source: Shreedhar and Varghese, "Efficient fair queuing using deficit round robin". Small messages to
// healthy sockets never come here: they are written where they arise, or with the others of their turn (`write-batch.ts`).

/** Classes, best first: 0 control, 1 results, 2 progress. */
export type Rank = 0 | 1 | 2

/** One socket as the loop sees it. */
export interface FlushLane {
  /** True when it has something of this class and its socket takes it. */
  isReady(rank: Rank): boolean
  /** Writes of this class at most `bytes`, unless one message cannot be divided; answers what it wrote. */
  flush(rank: Rank, bytes: number): number
}

/** How the loop turns. */
export interface FlushLoopOptions {
  /** Runs what it is given once other work had its turn. */
  readonly yieldTurn: (run: () => void) => void
  /** What a socket may write at its turn. Default 16 KiB. */
  readonly quantumBytes?: number
  /** What is written before everything else has its turn. Default 256 KiB, a fraction of a millisecond. */
  readonly turnBytes?: number
}

const ranks: readonly Rank[] = [0, 1, 2]

/** The one loop of a process. It holds only lanes that are ready, and sleeps when there are none. */
export class FlushLoop {
  readonly quantumBytes: number
  readonly #turnBytes: number
  readonly #yieldTurn: (run: () => void) => void
  // A set in order of insertion is a queue in which nobody stands twice. The number is what is left of a lane's quanta.
  readonly #rings: Readonly<Record<Rank, Map<FlushLane, number>>> = {
    0: new Map(),
    1: new Map(),
    2: new Map(),
  }
  #isTurning = false

  constructor(options: FlushLoopOptions) {
    this.quantumBytes = options.quantumBytes ?? 16_384
    this.#turnBytes = options.turnBytes ?? 262_144
    this.#yieldTurn = options.yieldTurn
  }

  /** A lane has something to write of this class. */
  enlist(lane: FlushLane, rank: Rank): void {
    if (!this.#rings[rank].has(lane)) this.#rings[rank].set(lane, 0)
    this.#wake()
  }

  /** A lane is gone. */
  leave(lane: FlushLane): void {
    for (const rank of ranks) this.#rings[rank].delete(lane)
  }

  #wake(): void {
    if (this.#isTurning) return
    this.#isTurning = true
    this.#yieldTurn(this.#turn)
  }

  readonly #turn = (): void => {
    let left = this.#turnBytes
    while (left > 0) {
      const rank = ranks.find((each) => this.#rings[each].size > 0)
      if (rank === undefined) break
      left -= this.#visit(rank)
    }
    this.#isTurning = false
    if (ranks.some((rank) => this.#rings[rank].size > 0)) this.#wake()
  }

  #visit(rank: Rank): number {
    const ring = this.#rings[rank]
    const first = ring.entries().next()
    if (first.done === true) return 0
    const [lane, saved] = first.value
    ring.delete(lane)
    if (!lane.isReady(rank)) return 0
    const deficit = saved + this.quantumBytes
    const written = lane.flush(rank, deficit)
    // Whoever has nothing more, or is not taken from, saves nothing up.
    if (lane.isReady(rank)) ring.set(lane, Math.max(0, deficit - written))
    return written
  }
}
