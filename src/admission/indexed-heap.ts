// A binary heap whose items know their place, so that one may leave the middle or change its key in O(log n).

/** What an item carries for the heap; -1 while it is in none. */
export interface HeapItem {
  heapIndex: number
}

/** Least item first, by `isBefore`, which must be a strict order. Bounded by whoever fills it. */
export class IndexedHeap<Item extends HeapItem> {
  readonly #items: Item[] = []
  readonly #isBefore: (a: Item, b: Item) => boolean

  constructor(isBefore: (a: Item, b: Item) => boolean) {
    this.#isBefore = isBefore
  }

  /** The least item, which stays. */
  get least(): Item | null {
    return this.#items[0] ?? null
  }

  /** All items, in no order anybody may rely on. */
  items(): readonly Item[] {
    return this.#items
  }

  /** Puts an item in that is in no heap. */
  add(item: Item): void {
    item.heapIndex = this.#items.length
    this.#items.push(item)
    this.#rise(item)
  }

  /** Takes an item out, wherever it is. */
  remove(item: Item): void {
    const index = item.heapIndex
    const last = this.#items.pop()
    item.heapIndex = -1
    if (last === undefined || last === item) return
    this.#put(last, index)
    this.update(last)
  }

  /** Restores the order after the item's key has changed. */
  update(item: Item): void {
    this.#rise(item)
    this.#sink(item)
  }

  #rise(item: Item): void {
    while (item.heapIndex > 0) {
      const index = item.heapIndex
      const above = (index - 1) >> 1
      const parent = this.#items[above]
      if (parent === undefined || !this.#isBefore(item, parent)) return
      this.#put(parent, index)
      this.#put(item, above)
    }
  }

  #sink(item: Item): void {
    for (;;) {
      const index = item.heapIndex
      const left = this.#items[2 * index + 1]
      const right = this.#items[2 * index + 2]
      if (left === undefined) return
      const child = right !== undefined && this.#isBefore(right, left) ? right : left
      if (!this.#isBefore(child, item)) return
      const below = child.heapIndex
      this.#put(child, index)
      this.#put(item, below)
    }
  }

  #put(item: Item, index: number): void {
    this.#items[index] = item
    item.heapIndex = index
  }
}
