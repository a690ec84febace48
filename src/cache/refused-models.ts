// The only bad news that is remembered: a model that an account does not get, by account, since another account may get it. A vendor
// that does not know the model is asked again after a minute. One that does not open it to this account needs a person, as a dead
// key does: with each refusal in a row it is asked half as often, at last once an hour.
// A 429 or a 500 is never kept: it would outlive its cause.

import { CallFailure } from '../domain/failure.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { duration } from '../lib/in-words.ts'

const firstMs = 60_000
const deniedMsMax = 3_600_000
const modelsMax = 1_024

interface Refused {
  readonly code: 'model-unknown' | 'permission-denied'
  readonly message: string
  readonly until: number
  /** For how long it was kept this time, in milliseconds. */
  readonly keptMs: number
}

/** What vendors have just said an account does not get; accounts by name: `glm/main`. */
export class RefusedModels {
  readonly #clock: Clock
  readonly #refused = new BoundedMap<string, Refused>(modelsMax)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Keeps a `model-unknown` and a `permission-denied`; ignores every other failure. */
  remember(accountName: string, model: string, { code, message }: CallFailure): void {
    if (code !== 'model-unknown' && code !== 'permission-denied') return
    const now = this.#clock.now()
    const key = keyOf(accountName, model)
    const known = this.#refused.get(key)
    // Jobs that were on their way together are told the same, and are one refusal.
    if (known !== undefined && known.code === code && now < known.until) return
    const isAgain = code === 'permission-denied' && known?.code === code
    const keptMs = isAgain ? Math.min(deniedMsMax, 2 * known.keptMs) : firstMs
    // The message alone: a failure's cause may hold a whole reply.
    this.#refused.set(key, { code, message, until: now + keptMs, keptMs })
  }

  /** The account gets the model after all. */
  forget(accountName: string, model: string): void {
    this.#refused.delete(keyOf(accountName, model))
  }

  /** The operator changed a plan: everything of the account is asked again. Absent: of all accounts. Names `account model` that were refused. */
  forgetAll(accountName?: string): readonly string[] {
    const now = this.#clock.now()
    const forgotten = [...this.#refused.entries()].filter(
      ([key]) => accountName === undefined || key.startsWith(keyOf(accountName, '')),
    )
    for (const [key] of forgotten) this.#refused.delete(key)
    return forgotten.filter(([, { until }]) => now < until).map(([key]) => key.replace('\n', ' '))
  }

  /** The failure to give again; null: ask the vendor. */
  find(accountName: string, model: string): CallFailure | null {
    const known = this.#refused.get(keyOf(accountName, model))
    const leftMs = known === undefined ? 0 : known.until - this.#clock.now()
    if (known === undefined || leftMs <= 0) return null
    const { code, message } = known
    const again = code === 'permission-denied' ? ` It is asked again in ${duration(leftMs)}.` : ''
    return new CallFailure(code, { message: `${message}${again}` })
  }
}

function keyOf(accountName: string, model: string): string {
  return `${accountName}\n${model}`
}
