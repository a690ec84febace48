// A secret that cannot be printed by accident: every way of turning it into text gives `***`, but the one asked for by name.

import { inspect } from 'node:util'

/** Wraps a credential. Only `reveal()` gives it back; logs, JSON and inspection show `***`. */
export class Secret {
  static {
    Object.defineProperty(Secret.prototype, inspect.custom, { value: () => '***' })
  }

  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The credential itself: for the request to its vendor, and nowhere else. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '***'
  }

  toJSON(): string {
    return '***'
  }
}
