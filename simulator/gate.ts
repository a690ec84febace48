// A gate in front of every answer of a vendor: closed, it holds answers back (their slots stay taken) until it opens.
// Tests use it to have many requests in flight at once without guessing at times.

import { ClientGone } from './exchange.ts'

/** Opens and closes; open at first. */
export class Gate {
  readonly #waiting = new Set<() => void>()
  #isOpen = true

  /** Lets everybody through who waits, or holds back whoever comes next. */
  set(isOpen: boolean): void {
    this.#isOpen = isOpen
    if (!isOpen) return
    for (const go of [...this.#waiting]) go()
  }

  /** Waits until the gate is open. Throws ClientGone when `signal` aborts first. */
  async pass(signal: AbortSignal): Promise<void> {
    if (this.#isOpen) return
    await new Promise<void>((wake) => {
      const go = () => {
        this.#waiting.delete(go)
        signal.removeEventListener('abort', go)
        wake()
      }
      this.#waiting.add(go)
      signal.addEventListener('abort', go, { once: true })
    })
    if (signal.aborted) throw new ClientGone('the client left while the gate was closed')
  }
}
