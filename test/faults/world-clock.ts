// A clock that moves when told, to the next timer and no further at once: what a timer sets going on a socket has its turns before
// the next one fires, as on any real machine. Its wall shows a day on which every price of ours is in force.

import type { Timer } from '../../src/lib/clock.ts'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'

const wallStartMs = Date.UTC(2026, 10, 22, 12)
const turnsAfterTimer = 4

/** The clock of a fault server. */
export class WorldClock extends VirtualClock {
  readonly #due = new Set<{ readonly at: number }>()

  override wallMs(): number {
    return wallStartMs + this.now()
  }

  override after(delayMs: number, run: () => void): Timer {
    const entry = { at: this.now() + Math.max(0, delayMs) }
    this.#due.add(entry)
    const timer = super.after(delayMs, () => {
      this.#due.delete(entry)
      run()
    })
    const cancel = (): void => {
      this.#due.delete(entry)
      timer.cancel()
    }
    return { cancel, [Symbol.dispose]: cancel }
  }

  /**
   * Lets up to `ms` pass, timer by timer; ends early when `isOver`. Where a timer has changed how many there are, something has begun
   * or ended, and `settled` says when its work beside the clock is done.
   */
  async pass(ms: number, isOver: () => boolean, settled: () => Promise<void>): Promise<void> {
    const end = this.now() + ms
    while (!isOver()) {
      const next = [...this.#due].reduce((least, { at }) => Math.min(least, at), end)
      const before = this.#due.size
      await this.advance(next - this.now())
      if (next >= end) return
      for (let turn = 0; turn < turnsAfterTimer; turn++) await new Promise((done) => setImmediate(done))
      if (this.#due.size !== before) await settled()
    }
  }
}
