// A queue with lanes that take turns: round robin among the lanes that wait, first in, first out within one.
// Not bounded by itself: its owner checks `size` before `push`. Empty lanes are forgotten at once.

/** Waiting items by lane. */
export class LaneQueue<Item> {
  /** In order of turn: the first lane is next. */
  readonly #lanes = new Map<string, Item[]>()
  #size = 0

  /** Items in all lanes. */
  get size(): number {
    return this.#size
  }

  /** Items in one lane. */
  sizeOf(lane: string): number {
    return this.#lanes.get(lane)?.length ?? 0
  }

  /** Adds an item at the end of its lane; a new lane is last in turn. */
  push(lane: string, item: Item): void {
    const items = this.#lanes.get(lane)
    if (items === undefined) this.#lanes.set(lane, [item])
    else items.push(item)
    this.#size += 1
  }

  /** Takes the next item of the first lane that `mayRun`; that lane goes to the end. null: none may. */
  take(mayRun: (lane: string) => boolean): Item | null {
    for (const [lane, items] of this.#lanes) {
      if (!mayRun(lane)) continue
      const item = items.shift()
      this.#lanes.delete(lane)
      if (items.length > 0) this.#lanes.set(lane, items)
      if (item === undefined) return null
      this.#size -= 1
      return item
    }
    return null
  }

  /** Removes an item that no longer waits; false if it is not here. */
  remove(lane: string, item: Item): boolean {
    const items = this.#lanes.get(lane)
    const at = items?.indexOf(item) ?? -1
    if (items === undefined || at < 0) return false
    items.splice(at, 1)
    if (items.length === 0) this.#lanes.delete(lane)
    this.#size -= 1
    return true
  }

  /** Empties every lane and answers what was in them. */
  drain(): Item[] {
    const items = [...this.#lanes.values()].flat()
    this.#lanes.clear()
    this.#size = 0
    return items
  }
}
