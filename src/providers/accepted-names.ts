// Where sources disagree on what a vendor calls a thing, its hosts accept different names. Tries one after the other until one is
// accepted, and begins with that one from then on. At most one request a name; says nothing of requests that fail otherwise.

import { CallFailure } from '../domain/failure.ts'
import type { StreamPart } from './provider.ts'

/** What tells that it was the name that was refused, and what an operator can do when every name is. */
interface NameRefusal {
  readonly says: RegExp
  readonly advice: string
}

/** The names of one thing at one host. */
export class AcceptedNames {
  readonly #names: readonly string[]
  readonly #refusal: NameRefusal
  #first: string

  /** `names`: at least one, the likeliest first. */
  constructor(names: readonly [string, ...string[]], refusal: NameRefusal) {
    this.#names = names
    this.#refusal = refusal
    this.#first = names[0]
  }

  /**
   * The parts of the first run whose name is accepted; `nth` counts runs from 0. Throws what a run throws, and a `bad-request` that
   * says what to set when no name is accepted.
   */
  async *run(
    use: (name: string, nth: number) => AsyncIterable<StreamPart>,
  ): AsyncGenerator<StreamPart, void> {
    const names = [this.#first, ...this.#names.filter((name) => name !== this.#first)]
    let refusal: CallFailure | null = null
    for (const [nth, name] of names.entries()) {
      let isAccepted = false
      try {
        for await (const part of use(name, nth)) {
          isAccepted = true
          this.#first = name
          yield part
        }
        return
      } catch (failure) {
        if (isAccepted || !this.#isRefusal(failure)) throw failure
        refusal = failure
      }
    }
    throw new CallFailure('bad-request', {
      message: `${refusal?.message ?? ''} Tried: ${names.join(', ')}. ${this.#refusal.advice}`,
      isVendors: true,
      cause: refusal,
    })
  }

  #isRefusal(failure: unknown): failure is CallFailure {
    return (
      failure instanceof CallFailure &&
      failure.code === 'bad-request' &&
      this.#refusal.says.test(failure.detail ?? '')
    )
  }
}
