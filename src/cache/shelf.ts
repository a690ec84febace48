// Where answers lie: by namespace, then key, in order of use. Two bounds in bytes: the whole, and one namespace's part of it.

/** An answer on the shelf; `storedAt` in monotonic milliseconds. */
export interface StoredAnswer<Answer> {
  readonly answer: Answer
  readonly bytes: number
  readonly tookMs: number
  readonly storedAt: number
}

/** How much lies on the shelf. */
export interface ShelfInspection {
  readonly bytes: number
  readonly answers: number
  readonly namespaces: Readonly<Record<string, { readonly bytes: number; readonly answers: number }>>
}

interface Namespace<Answer> {
  bytes: number
  readonly answers: Map<string, StoredAnswer<Answer>>
}

// What an entry costs beside its answer: two map slots, its key, its record.
const entryBytes = 512
const namespacesShownMax = 100

/** Bounded shelves. When full, the namespace least recently used gives up its least recently used answer. */
export class Shelf<Answer> {
  readonly #bytesMax: number
  readonly #namespaceBytesMax: number
  readonly #namespaces = new Map<string, Namespace<Answer>>()
  #bytes = 0

  constructor(bytesMax: number, namespaceBytesMax: number) {
    this.#bytesMax = bytesMax
    this.#namespaceBytesMax = namespaceBytesMax
  }

  /** The answer, now the most recently used of its namespace; null: none. */
  take(namespace: string, key: string): StoredAnswer<Answer> | null {
    const shelf = this.#namespaces.get(namespace)
    const stored = shelf?.answers.get(key)
    if (!shelf || !stored) return null
    shelf.answers.delete(key)
    shelf.answers.set(key, stored)
    this.#namespaces.delete(namespace)
    this.#namespaces.set(namespace, shelf)
    return stored
  }

  /** Puts an answer there, making room; false when it is larger than a namespace may be. */
  put(namespace: string, key: string, stored: StoredAnswer<Answer>): boolean {
    const entry = { ...stored, bytes: stored.bytes + entryBytes }
    if (entry.bytes > this.#namespaceBytesMax) return false
    this.remove(namespace, key)
    const shelf = this.#namespaces.get(namespace) ?? { bytes: 0, answers: new Map() }
    this.#namespaces.delete(namespace)
    this.#namespaces.set(namespace, shelf)
    shelf.answers.set(key, entry)
    shelf.bytes += entry.bytes
    this.#bytes += entry.bytes
    while (shelf.bytes > this.#namespaceBytesMax) this.#removeOldest(namespace, shelf)
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#namespaces.entries().next()
      if (oldest.done) break
      this.#removeOldest(...oldest.value)
    }
    return true
  }

  /** Takes one away, if it is there. */
  remove(namespace: string, key: string): void {
    const shelf = this.#namespaces.get(namespace)
    const stored = shelf?.answers.get(key)
    if (!shelf || !stored) return
    shelf.answers.delete(key)
    shelf.bytes -= stored.bytes
    this.#bytes -= stored.bytes
    if (shelf.answers.size === 0) this.#namespaces.delete(namespace)
  }

  /** How much lies there, and whose it is: the namespaces last used. */
  inspect(): ShelfInspection {
    const all = [...this.#namespaces].map(
      ([name, { bytes, answers }]) => [name, bytes, answers.size] as const,
    )
    return {
      bytes: this.#bytes,
      answers: all.reduce((sum, [, , answers]) => sum + answers, 0),
      namespaces: Object.fromEntries(
        all.slice(-namespacesShownMax).map(([name, bytes, answers]) => [name, { bytes, answers }]),
      ),
    }
  }

  #removeOldest(namespace: string, shelf: Namespace<Answer>): void {
    const oldest = shelf.answers.keys().next()
    if (!oldest.done) this.remove(namespace, oldest.value)
  }
}
