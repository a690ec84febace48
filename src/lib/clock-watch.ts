// Notices that the wall clock was put back, so that whoever wonders about times and counts finds it in the log.

// Corrections of seconds are a time server's daily work.
const toleranceMs = 60_000

/** Watches one wall clock. */
export class ClockWatch {
  readonly #onBack: (byMs: number) => void
  #seenMs = Number.NEGATIVE_INFINITY

  /** `onBack` is told once for each time. */
  constructor(onBack: (byMs: number) => void) {
    this.#onBack = onBack
  }

  /** What the clock says, or said in an earlier life. */
  saw(wallMs: number): void {
    const byMs = this.#seenMs - wallMs
    if (byMs > 0 && byMs <= toleranceMs) return
    this.#seenMs = wallMs
    if (byMs > 0) this.#onBack(byMs)
  }
}
