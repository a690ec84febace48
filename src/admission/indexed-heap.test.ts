import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IndexedHeap } from './indexed-heap.ts'

interface Item {
  heapIndex: number
  key: number
}

// Items in the heap know where they are, nobody is before the one above, and all are there.
function expectWhole(heap: IndexedHeap<Item>, expected: ReadonlySet<Item>): void {
  const items = heap.items()
  expect(new Set(items)).toEqual(expected)
  items.forEach((item, index) => {
    expect(item.heapIndex).toBe(index)
    const above = items[(index - 1) >> 1]
    if (index > 0 && above) expect(above.key).toBeLessThanOrEqual(item.key)
  })
  expect(heap.least?.key ?? null).toBe(expected.size === 0 ? null : Math.min(...items.map(({ key }) => key)))
}

const moves = fc.array(
  fc.record({
    kind: fc.constantFrom('add', 'add', 'remove', 'update'),
    which: fc.nat(),
    key: fc.integer({ min: 0, max: 50 }),
  }),
  { maxLength: 60 },
)

describe('indexed heap', () => {
  it('is in order after every arrival, departure from anywhere, and change of a key', () => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const heap = new IndexedHeap<Item>((a, b) => a.key < b.key)
        const present = new Set<Item>()
        for (const { kind, which, key } of sequence) {
          const item = [...present][which % Math.max(1, present.size)]
          if (kind === 'add') {
            const made = { heapIndex: -1, key }
            present.add(made)
            heap.add(made)
          } else if (item && kind === 'remove') {
            present.delete(item)
            heap.remove(item)
            expect(item.heapIndex).toBe(-1)
          } else if (item) {
            item.key = key
            heap.update(item)
          }
          expectWhole(heap, present)
        }
      }),
    )
  })

  it('gives items back least first', () => {
    const heap = new IndexedHeap<Item>((a, b) => a.key < b.key)
    for (const key of [5, 3, 9, 1, 7, 2, 8]) heap.add({ heapIndex: -1, key })
    const keys: number[] = []
    for (let item = heap.least; item !== null; item = heap.least) {
      keys.push(item.key)
      heap.remove(item)
    }
    expect(keys).toEqual([1, 2, 3, 5, 7, 8, 9])
  })

  it('looks at a handful of a thousand to let one leave from the middle', () => {
    let looks = 0
    const heap = new IndexedHeap<Item>((a, b) => {
      looks++
      return a.key < b.key
    })
    const items = Array.from({ length: 1000 }, (_, key) => ({ heapIndex: -1, key }))
    for (const item of items) heap.add(item)
    looks = 0
    const middle = items[500]
    if (middle) heap.remove(middle)
    expect(looks).toBeLessThan(30)
  })
})
