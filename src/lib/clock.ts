// Time as a collaborator. Every room that waits takes a Clock, so that tests run in virtual time (`virtual-clock.ts`).

/** A pending `after`; cancelling twice is harmless. */
export interface Timer extends Disposable {
  cancel(): void
}

/** Monotonic time in milliseconds, wall time in milliseconds since the epoch, and one-shot timers. */
export interface Clock {
  /** Monotonic milliseconds; only differences mean something. */
  now(): number
  /** Milliseconds since the epoch, for people and ledgers; may jump. */
  wallMs(): number
  /** Runs `run` once after `delayMs`; the timer never keeps the process alive by itself. */
  after(delayMs: number, run: () => void): Timer
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs)
    handle.unref()
    const cancel = (): void => clearTimeout(handle)
    return { cancel, [Symbol.dispose]: cancel }
  },
}
