// Where sources disagree on what a vendor calls a thing, its hosts accept different names, and its accounts get different ones.
// Tries one after the other until one is accepted, and begins with that one from then on; with the next one where it came no
// further. At most one request a name; says nothing of requests that fail otherwise.

import { CallFailure } from '../domain/failure.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Attempt, StreamPart } from './provider.ts'

/** What has names, what tells that it was the name that was refused, and what an operator can do when every name is. */
interface Naming {
  /** The provider's name in the config. */
  readonly provider: string
  /** For people: `search engine`. */
  readonly what: string
  isRefusal(failure: CallFailure): boolean
  readonly advice: string
}

const accountsMax = 256

/** The names of one thing at one host. */
export class AcceptedNames {
  readonly #names: readonly string[]
  readonly #naming: Naming
  // By key: what one account gets another may not.
  readonly #firsts = new BoundedMap<string, string>(accountsMax)

  /** `names`: at least one, the likeliest first. */
  constructor(names: readonly [string, ...string[]], naming: Naming) {
    this.#names = names
    this.#naming = naming
  }

  /**
   * The parts of the first run whose name is accepted; `nth` counts runs from 0. Throws what a run throws, and where no name is
   * accepted a `model-unknown` that says what to set: as such it is remembered, and the account is left in peace for a while.
   */
  async *run(
    { apiKey }: Pick<Attempt, 'apiKey'>,
    use: (name: string, nth: number) => AsyncIterable<StreamPart>,
  ): AsyncGenerator<StreamPart, void> {
    const account = apiKey ?? ''
    const names = startingWith(this.#firstOf(account), this.#names)
    let refusal: CallFailure | null = null
    for (const [nth, name] of names.entries()) {
      let isAccepted = false
      try {
        for await (const part of use(name, nth)) {
          if (!isAccepted) this.#firsts.set(account, name)
          isAccepted = true
          yield part
        }
        return
      } catch (failure) {
        const isRefused = failure instanceof CallFailure && this.#naming.isRefusal(failure)
        if (isAccepted || !isRefused) throw failure
        refusal = failure
        // Another run may have found the name meanwhile.
        if (this.#firstOf(account) === name)
          this.#firsts.set(account, names[(nth + 1) % names.length] ?? name)
      }
    }
    throw this.#noneIsAccepted(names, refusal)
  }

  #firstOf(account: string): string | undefined {
    return this.#firsts.get(account) ?? this.#names[0]
  }

  // In our own words: what a single refusal advises, to change the request or to ask for another model, helps nobody here.
  #noneIsAccepted(names: readonly string[], refusal: CallFailure | null): CallFailure {
    const { provider, what, advice } = this.#naming
    const said = refusal?.detail ?? refusal?.message ?? ''
    return new CallFailure('model-unknown', {
      message: `The provider ${provider} accepted no ${what} (${said}). Tried: ${names.join(', ')}. ${advice}`,
      isVendors: true,
      cause: refusal,
      detail: said,
    })
  }
}

function startingWith(first: string | undefined, names: readonly string[]): readonly string[] {
  const at = Math.max(0, names.indexOf(first ?? ''))
  return [...names.slice(at), ...names.slice(0, at)]
}
