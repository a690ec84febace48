// A clock that moves only when told: for tests and simulations. Timers fire in order of time, then of creation.

import type { Clock, Timer } from './clock.ts'

interface Pending {
  at: number
  run: () => void
}

/** Virtual time; `advance` runs every timer that falls due and lets promises settle between two of them. */
export class VirtualClock implements Clock {
  #now = 0
  #pending: Pending[] = []

  now(): number {
    return this.#now
  }

  wallMs(): number {
    return this.#now
  }

  after(delayMs: number, run: () => void): Timer {
    const entry: Pending = { at: this.#now + Math.max(0, delayMs), run }
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
      const due = this.#earliest()
      if (due === null || due.at > end) break
      this.#pending = this.#pending.filter((entry) => entry !== due)
      this.#now = Math.max(this.#now, due.at)
      due.run()
    }
    this.#now = end
    await settle()
  }

  /** Moves time forward by `ms` as on a machine that sleeps: what falls due is fired late, and once, by the next `advance`. */
  sleep(ms: number): void {
    this.#now += ms
  }

  /** Of those that are due at once the one that was made first. */
  #earliest(): Pending | null {
    let earliest: Pending | null = null
    for (const entry of this.#pending) if (earliest === null || entry.at < earliest.at) earliest = entry
    return earliest
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}
