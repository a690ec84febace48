// A clock that moves only when told: for tests and simulations. Timers fire in order of time, then of creation.

import type { Clock, Timer } from './clock.ts'

interface Pending {
  at: number
  sequence: number
  run: () => void
}

/** Virtual time; `advance` runs every timer that falls due and lets promises settle between two of them. */
export class VirtualClock implements Clock {
  #now = 0
  #sequence = 0
  #pending: Pending[] = []

  now(): number {
    return this.#now
  }

  wallMs(): number {
    return this.#now
  }

  after(delayMs: number, run: () => void): Timer {
    const entry: Pending = { at: this.#now + Math.max(0, delayMs), sequence: this.#sequence++, run }
    this.#pending.push(entry)
    const cancel = (): void => {
      this.#pending = this.#pending.filter((other) => other !== entry)
    }
    return { cancel, [Symbol.dispose]: cancel }
  }

  /** Timers that have neither fired nor been cancelled. */
  get pendingTimers(): number {
    return this.#pending.length
  }

  /** Moves time forward by `ms`, firing what falls due. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      await settle()
      const due = this.#pending
        .filter((entry) => entry.at <= end)
        .sort((a, b) => a.at - b.at || a.sequence - b.sequence)[0]
      if (!due) break
      this.#pending = this.#pending.filter((entry) => entry !== due)
      this.#now = due.at
      due.run()
    }
    this.#now = end
    await settle()
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}
