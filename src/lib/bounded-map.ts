// A map that cannot grow without end: state kept per vendor endpoint, group or key, whose names come from outside.

/** Forgets the least recently used beyond `sizeMax`. */
export class BoundedMap<Key, Value> {
  readonly #sizeMax: number
  readonly #entries = new Map<Key, Value>()

  /** `sizeMax` is at least 1. */
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  /** The value, now the most recently used. */
  get(key: Key): Value | undefined {
    const value = this.#entries.get(key)
    // Far from the bound nothing is forgotten, and the order need not be kept: moving costs ten times the look-up.
    if (value !== undefined && 2 * this.#entries.size > this.#sizeMax) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }

  /** Sets, and forgets the least recently used beyond the bound. */
  set(key: Key, value: Value): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    const oldest = this.#entries.keys().next()
    if (this.#entries.size > this.#sizeMax && !oldest.done) this.#entries.delete(oldest.value)
  }

  /** The value, made on first use. */
  getOrCreate(key: Key, create: () => Value): Value {
    const known = this.get(key)
    if (known !== undefined) return known
    const made = create()
    this.set(key, made)
    return made
  }

  /** Forgets one key. */
  delete(key: Key): void {
    this.#entries.delete(key)
  }

  /** How many are kept. */
  get size(): number {
    return this.#entries.size
  }

  /** Everything kept, least recently used first. */
  entries(): IterableIterator<[Key, Value]> {
    return this.#entries.entries()
  }
}
