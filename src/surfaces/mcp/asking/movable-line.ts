// The line of a call of the 2025 era whose client may take it up again by another connection. A question that was open when the
// connection broke is put once more by the next one, under another id: an answer counts only where it was asked for.
//
//   asking --unreached--> waiting --taken up--> asking by the new connection
//                            '--time is over, or none comes back--> unreached

import type { ClientFeature } from '../../../domain/asking.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { ResumableExchange } from '../resumable-exchange.ts'
import { type ClientLine, type LineCall, unreached } from './client-line.ts'
import type { ClientQuestion } from './questions.ts'

// As long as a person may take: the call holds its place meanwhile.
const returnWithinMs = 120_000

/** One call's line, whichever connection it goes by. */
export class MovableLine implements ClientLine {
  readonly #exchange: ResumableExchange
  readonly #call: LineCall
  readonly #clock: Clock
  /** Bounded by the questions of one call. */
  readonly #waiting: Set<(isTakenUp: boolean) => void> = new Set()
  #line: ClientLine
  #isAlone = false

  constructor(exchange: ResumableExchange, call: LineCall, clock: Clock) {
    this.#exchange = exchange
    this.#call = call
    this.#clock = clock
    this.#line = exchange.owner.line(exchange, call)
    exchange.onMoved = () => this.#moved()
  }

  can(feature: ClientFeature): boolean {
    return this.#line.can(feature)
  }

  async put(question: ClientQuestion): Promise<unknown> {
    for (;;) {
      const line = this.#line
      const answer = await line.put(question)
      if (answer !== unreached) return answer
      if (this.#line === line && !(await this.#takenUp())) return unreached
    }
  }

  roots(): Promise<readonly string[]> {
    return this.#line.roots()
  }

  left(): void {
    this.#line.left()
  }

  // Whoever comes back does so by another connection, and that has a line of its own.
  back(): void {}

  noneComesBack(): void {
    this.#isAlone = true
    for (const settle of [...this.#waiting]) settle(false)
  }

  elicited(key: string): void {
    this.#line.elicited(key)
  }

  instead(): null {
    return null
  }

  #moved(): void {
    // The connection before may still seem to live: what it was asked there ends.
    this.#line.left()
    this.#line = this.#exchange.owner.line(this.#exchange, this.#call)
    for (const settle of [...this.#waiting]) settle(true)
  }

  #takenUp(): Promise<boolean> {
    const { signal } = this.#call
    signal.throwIfAborted()
    if (this.#isAlone) return Promise.resolve(false)
    return new Promise((resolve, reject) => {
      const end = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', aborted)
        this.#waiting.delete(settle)
      }
      const settle = (isTakenUp: boolean): void => {
        end()
        resolve(isTakenUp)
      }
      const aborted = (): void => {
        end()
        reject(signal.reason)
      }
      const timer = this.#clock.after(returnWithinMs, () => settle(false))
      signal.addEventListener('abort', aborted, { once: true })
      this.#waiting.add(settle)
    })
  }
}
