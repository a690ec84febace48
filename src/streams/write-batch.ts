// Short writes that become ready within one turn of the event loop leave together at its end. Each alone would change the processor
// from our code to the kernel's and back, and wake whoever reads: on `bench:wire` that is a third of what a call costs. What nobody
// waits for, a call's line in the log, comes after them. Whoever works long in between says so, and they leave before.

/** What a short message costs beside its bytes, in bytes of a long one: for `working`. */
export const messageWorkBytes = 3_072

/** How writes are gathered. */
export interface WriteBatchOptions {
  /** Runs what it is given once all that is ready now had its turn. */
  readonly yieldTurn: (run: () => void) => void
  /** So many leave at once, before the turn is over: whoever is first waits for a few others, not for all. Default 16. */
  readonly writesMax?: number
  /** Nor does it wait for more work than on so many bytes. Default 64 KiB. */
  readonly workBytesMax?: number
  /** Told what a write has thrown, or what runs after: a bug. Absent: it is thrown again, in a turn of its own. */
  readonly onBug?: ((error: unknown) => void) | undefined
}

/** The writes of one turn, in the order in which they came. */
export class WriteBatch {
  readonly #yieldTurn: (run: () => void) => void
  readonly #writesMax: number
  readonly #workBytesMax: number
  readonly #onBug: (error: unknown) => void
  #writes: (() => void)[] = []
  #after: (() => void)[] = []
  /** Worked on since the first of them came. */
  #workBytes = 0
  #isAsked = false

  constructor({ yieldTurn, writesMax = 16, workBytesMax = 65_536, onBug }: WriteBatchOptions) {
    this.#yieldTurn = yieldTurn
    this.#writesMax = writesMax
    this.#workBytesMax = workBytesMax
    this.#onBug =
      onBug ??
      ((error) =>
        yieldTurn(() => {
          throw error
        }))
  }

  /** `write` runs at the end of this turn, or before. It must bear that its reader has gone; what it throws is its own alone. */
  add(write: () => void): void {
    this.#writes.push(write)
    if (this.#writes.length >= this.#writesMax) this.#leave()
    else this.#ask()
  }

  /** `run` runs once this turn's writes have left: what no reader should wait for. What it throws is its own alone. */
  afterwards(run: () => void): void {
    this.#after.push(run)
    this.#ask()
  }

  /** So many bytes are about to be parsed, or serialised: where that is long for those who wait, they leave before. */
  working(bytes: number): void {
    if (this.#writes.length === 0) return
    this.#workBytes += bytes
    if (this.#workBytes > this.#workBytesMax) this.#leave()
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
    this.#workBytes = 0
    for (const write of writes) this.#run(write)
    for (const run of after) this.#run(run)
  }

  // Those behind it belong to others, and so does the turn it runs in.
  #run(each: () => void): void {
    try {
      each()
    } catch (error) {
      this.#onBug(error)
    }
  }
}
