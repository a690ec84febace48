// When to stop. The first signal asks for a drain, a second one ends the process at once. A terminal sends Ctrl-C to the
// whole group, and npm and our launcher pass theirs on as well: copies that come together are one signal.

import type { Clock } from '../lib/clock.ts'

/** What signals and the loss of whoever started us come through; `process` is one. */
export interface SignalSource {
  on(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }
const copiesWithinMs = 200

/** Listens until disposed. `stopped` resolves at the first signal; `onSecond` gets the exit code of another one. */
export class StopSignals implements Disposable {
  readonly stopped: Promise<void>
  readonly #source: SignalSource
  readonly #listeners: readonly (readonly [string, () => void])[]

  constructor(source: SignalSource, clock: Clock, onSecond: (exitCode: number) => void) {
    this.#source = source
    let firstAt: number | null = null
    let stop: () => void = () => {}
    this.stopped = new Promise((resolve) => {
      stop = resolve
    })
    const onSignal = (number: number) => (): void => {
      if (firstAt === null) {
        firstAt = clock.now()
        stop()
      } else if (clock.now() - firstAt >= copiesWithinMs) onSecond(128 + number)
    }
    this.#listeners = [
      ...Object.entries(numbers).map(([name, number]) => [name, onSignal(number)] as const),
      // The launcher's channel: its end means that it was killed outright.
      ['disconnect', () => stop()],
    ]
    for (const [event, listener] of this.#listeners) source.on(event, listener)
  }

  [Symbol.dispose](): void {
    for (const [event, listener] of this.#listeners) this.#source.off(event, listener)
  }
}
