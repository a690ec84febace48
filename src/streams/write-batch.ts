// Short writes that become ready within one turn of the event loop leave together at its end. Each alone would change the processor
// from our code to the kernel's and back, and wake whoever reads: on `bench:wire` that is a third of what a call costs. What nobody
// waits for, a call's line in the log, comes after them.

/** How writes are gathered. */
export interface WriteBatchOptions {
  /** Runs what it is given once all that is ready now had its turn. */
  readonly yieldTurn: (run: () => void) => void
  /** So many leave at once, before the turn is over: whoever is first waits for a few others, not for all. Default 16. */
  readonly writesMax?: number
}

/** The writes of one turn, in the order in which they came. */
export class WriteBatch {
  readonly #yieldTurn: (run: () => void) => void
  readonly #writesMax: number
  #writes: (() => void)[] = []
  #after: (() => void)[] = []
  #isAsked = false

  constructor({ yieldTurn, writesMax = 16 }: WriteBatchOptions) {
    this.#yieldTurn = yieldTurn
    this.#writesMax = writesMax
  }

  /** `write` runs at the end of this turn, or before. It must not throw, and must bear that its reader has gone. */
  add(write: () => void): void {
    this.#writes.push(write)
    if (this.#writes.length >= this.#writesMax) this.#leave()
    else this.#ask()
  }

  /** `run` runs once this turn's writes have left: what no reader should wait for. It must not throw. */
  afterwards(run: () => void): void {
    this.#after.push(run)
    this.#ask()
  }

  #ask(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    this.#yieldTurn(this.#endTurn)
  }

  readonly #endTurn = (): void => {
    this.#isAsked = false
    this.#leave()
  }

  #leave(): void {
    const writes = this.#writes
    const after = this.#after
    this.#writes = []
    this.#after = []
    for (const write of writes) write()
    for (const run of after) run()
  }
}
